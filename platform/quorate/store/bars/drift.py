"""What imports have rewritten of bars that a collection had: by symbol how many, the largest change, since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection as Names

import numpy as np

from quorate.bars.panel import FIELDS, PRICES
from quorate.bars.rules import Finding
from quorate.errors import plural
from quorate.store.bars.collection import IMPORTS, Collection
from quorate.store.bars.moments import end_of
from quorate.store.bars.parts import read_parts
from quorate.store.bars.versions import SAME

RULE = "rewritten"


def rewritten(
    collection: Collection,
    frequency: str,
    symbols: Names[str] | None = None,
    as_of: dt.date | dt.datetime | None = None,
    least: float = 0.0,
) -> list[Finding]:
    """Return the symbols of which bars were rewritten, or are gone, by imports that were known at a time.

    Parameters
    ----------
    collection : Collection
        Whose imports.
    frequency : str
        Of the bars.
    symbols : collection of str, optional
        These only.
    as_of : date or datetime, optional
        Now, if not given; a date means its end in UTC.
    least : float
        Smaller changes of a price, as shares of it, are not told; a bar that is gone counts as a whole.
    """
    imports = [
        one
        for one in collection.imports()
        if one.frequency == frequency and one.source and (as_of is None or one.known_at <= end_of(as_of))
    ]
    changed = {
        name
        for one in imports
        for name, brought in one.symbols.items()
        if (brought.rewritten or brought.gone) and (symbols is None or name in symbols)
    }
    paths = [collection.folder / IMPORTS / one.bars for one in imports if one.bars and changed & one.symbols.keys()]
    if not changed or not paths:
        return []
    frame = read_parts(paths, sorted(changed))
    frame = frame.sort_values(["symbol", "time"], kind="stable", ignore_index=True)
    same = ((frame["symbol"] == frame["symbol"].shift()) & (frame["time"] == frame["time"].shift())).to_numpy()
    now, was = frame[same], frame.shift()[same]
    fields = [name for name in FIELDS if name in frame]
    new, old = (part[fields].to_numpy(dtype=np.float64) for part in (now, was))
    gone = np.isnan(new[:, 0])
    other = (np.abs(new - old) > SAME * np.abs(old)).any(axis=1) | gone
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where(gone, 1.0, np.abs(new[:, : len(PRICES)] / old[:, : len(PRICES)] - 1).max(axis=1))
    days = collection.calendar.sessions(now["time"].dt.tz_convert(None).to_numpy())
    found = []
    for symbol in sorted(changed):
        at = np.flatnonzero((now["symbol"] == symbol).to_numpy() & other)
        if not len(at) or np.nan_to_num(size[at]).max() < least:
            continue
        worst = int(at[np.nan_to_num(size[at]).argmax()])
        since = min(
            one.known_at for one in imports if symbol in one.symbols and (b := one.symbols[symbol]).rewritten + b.gone
        )
        change = "is gone" if gone[worst] else f"a close of {old[worst, 3]:g} became {new[worst, 3]:g}"
        told = (
            f"{symbol} had {plural(len(at), 'bar')} rewritten since {since:%Y-%m-%d}: the largest change, on "
            f"{days[worst]}: {'it ' if gone[worst] else ''}{change}"
        )
        found.append(Finding(RULE, symbol, len(at), str(days[at].min()), str(days[worst]), float(size[worst]), told))
    return found
