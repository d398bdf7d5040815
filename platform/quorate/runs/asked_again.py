"""What a run's source gives now, beside the bars that the run was judged by."""

from __future__ import annotations

import numpy as np

from quorate.bars.panel import FIELDS, Bars
from quorate.errors import QuorateError
from quorate.execution.progress import Progress
from quorate.runs.session import Session, load_bars
from quorate.store.trust import is_trusted


def asked_again(session: Session, bars: Bars) -> str:
    """Return in a line whether the source gives the same bars as then; it is asked where its home is trusted."""
    if not is_trusted(session.home.path):
        return "not asked again, as this home is not trusted (--trust)"
    told, session.progress = session.progress, Progress()  # what it warns of was told then
    heard = len(session.warnings)
    try:
        return compared(bars, load_bars(session))
    except QuorateError as e:
        return f"could not be asked again: {e}"
    finally:
        session.progress = told
        del session.warnings[heard:]


def compared(then: Bars, now: Bars) -> str:
    """Return in a line what of the bars of then is other now, and how many there are beyond them."""
    stop = int(np.searchsorted(now.times, then.times[-1], side="right"))
    later = len(now) - stop
    more = f", and {later:,} later ones" if later else ""
    if now.fingerprint == then.fingerprint or (later and stop and now.until(stop).fingerprint == then.fingerprint):
        return f"gives the same bars{more}"
    before, after = (one.to_frame().set_index(["symbol", "time"]) for one in (then, now.take(0, stop)))
    gone, new = before.index.difference(after.index), after.index.difference(before.index)
    both = before.index.intersection(after.index)
    names = [name for name in FIELDS if name in before and name in after]
    was, is_ = before.loc[both, names], after.loc[both, names]
    other = ~((was == is_) | (was.isna() & is_.isna()))
    rows = other.any(axis=1)
    counts = ((int(rows.sum()), "have other values"), (len(gone), "are gone"), (len(new), "are new"))
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "their calendar or texts are others"
    first = ""
    if rows.any():
        row = int(rows.to_numpy().argmax())
        column = int(other.to_numpy()[row].argmax())
        symbol, time = (both.get_level_values(level)[row] for level in (0, 1))
        before_it, after_it = was.iloc[row, column], is_.iloc[row, column]
        first = f"; first {symbol!s} at {time:%Y-%m-%d %H:%M}: {names[column]} {before_it:g} -> {after_it:g}"
    return f"gives OTHER bars than then: of {len(before):,}, {told}{first}{more}; the run was judged by those of then"
