"""What a source gives now in place of the bars that a run read of it: vendors and owners of files rewrite history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from quorate.bars.held_out import at_times_of_others
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.records import to_frame
from quorate.bars.resample import first_session
from quorate.errors import QuorateError
from quorate.execution.progress import Progress
from quorate.recipe.schema.data import Data
from quorate.runs.loading import load_bars
from quorate.runs.session import Session

DAYS_MORE = dt.timedelta(days=7)  # in which a market has a bar after one that ended on a holiday


def rewritten(session: Session, bars: Bars) -> list[str]:
    """Return how the bars that the source of a run gives now are other than those that it read; empty, if they are not.

    It is asked for the part of its history that the run has read: what came since is no matter.
    """
    recipe = session.recipe
    part = recipe.model_copy(update={"data": recipe.data.model_copy(update=_span(bars, recipe.data))})
    asking = replace(session, recipe=part, warnings=[], progress=Progress())  # what it warns of was told then
    try:
        now = at_times_of_others(load_bars(asking), recipe.holdout.held_out)
    except QuorateError as e:
        return [f"the source gives none of the bars: {e}"]
    stop = int(np.searchsorted(now.times, bars.times[-1], side="right"))
    now = now if stop == len(now) else now.until(stop)
    return [] if now.fingerprint == bars.fingerprint else list(differing(bars, now))


def _span(bars: Bars, data: Data) -> dict[str, dt.date]:
    """Return between which sessions the source had what bars were made of.

    Longer ones begin before their session, which may be a holiday. Of several markets each has sessions of its own.
    """
    first: dt.date = bars.sessions[0].item()
    last: dt.date = bars.sessions[-1].item()
    if bars.fills is not None:
        return {"until": last}
    if data.resample is None:
        return {"since": first, "until": last}
    since, until = first_session(bars.calendar, first, data.resample), last + DAYS_MORE
    return {"since": max(since, data.since or since), "until": min(until, data.until or until)}


def differing(before: Bars, now: Bars) -> Iterator[str]:
    """Yield how bars differ: a line for each symbol of which some are other, are gone or are new."""
    if before.calendar != now.calendar:
        yield f"the calendar was {before.calendar.name!r} and is {now.calendar.name!r}"
    if lost := sorted({*before.symbols} - {*now.symbols}):
        yield f"there are no bars of {', '.join(lost)} any more"
    if added := sorted({*now.symbols} - {*before.symbols}):
        yield f"there are bars of {', '.join(added)}, which there were not"
    for symbol in sorted({*before.symbols} & {*now.symbols}):
        yield from _of_symbol(symbol, before.select([symbol]), now.select([symbol]))
    yield from differing_covariates(before, now)
    for name, one in before.references.items():
        other = now.references.get(name)
        if other is None or other.sha256 != one.sha256:
            yield f"[{name}]: its records are other than they were"


def differing_covariates(before: Bars, now: Bars) -> Iterator[str]:
    """Yield how the records differ that were known by the last bar before: a line for each covariate."""
    for name, one in before.covariates.items():
        other = now.covariates[name].known_by(before.times[-1])
        if one.sha256 != other.sha256:
            both = to_frame(one).merge(to_frame(other), how="outer", indicator=True)
            gone, new = (both[both["_merge"] == side] for side in ("left_only", "right_only"))
            first = min(frame["time"].min() for frame in (gone, new) if len(frame))
            yield (
                f"covariate {name!r}: {len(gone):,} of {len(one):,} records are gone or other, and {len(new):,} are "
                f"new, the first of {first:%Y-%m-%d %H:%M} UTC"
            )


def _of_symbol(symbol: str, before: Bars, now: Bars) -> Iterator[str]:
    then, here = (bars.times[bars.present[:, 0]] for bars in (before, now))
    both, at, place = np.intersect1d(then, here, assume_unique=True, return_indices=True)
    old, new = (
        np.stack([getattr(bars, name)[bars.present[:, 0], 0][rows] for name in FIELDS], axis=1)
        for bars, rows in ((before, at), (now, place))
    )
    other = (old != new) & ~(np.isnan(old) & np.isnan(new))
    rows = other.any(axis=1)
    if rows.any():
        first = int(rows.argmax())
        column = int(other[first].argmax())
        yield (
            f"{symbol}: {int(rows.sum()):,} of {len(then):,} bars have other values, the first at {both[first]}: "
            f"{FIELDS[column]} {old[first, column]:g} -> {new[first, column]:g}"
        )
    if gone := len(then) - len(both):
        yield f"{symbol}: {gone:,} of {len(then):,} bars gone, the first at {np.setdiff1d(then, both)[0]}"
    if more := len(here) - len(both):
        yield f"{symbol}: {more:,} new between them, the first at {np.setdiff1d(here, both)[0]}"
