"""Ticker changes: bars of one company under several names become one history."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from quorate.bars.universe import Rows, Spell, day_of, in_order
from quorate.errors import DataError

if TYPE_CHECKING:
    from quorate.bars.panel import Bars

COLUMNS = ("old", "new", "date")


@dataclass(frozen=True)
class Rename:
    """A company is called `new` from `date` on, and was called `old` before."""

    old: str
    new: str
    date: dt.date


def read_renames(rows: Rows) -> tuple[Rename, ...]:
    """Return the ticker changes that the rows of a table tell, in the order in which they are to be made.

    Raises
    ------
    DataError
        Naming the row, and what is wrong with it.
    """
    found: dict[tuple[dt.date, str], Rename] = {}
    for at, row in rows:
        old, new = (str(row.get(name) or "").strip() for name in ("old", "new"))
        date = day_of(row.get("date"), f"{at}: date of {old or new}")
        if not old or not new or date is None or old == new:
            raise DataError(f"{at}: a ticker change needs old, new and date, and two names; it was {dict(row)}")
        if (date, old) in found:
            raise DataError(f"{at}: {old} is renamed twice on {date}")
        found[date, old] = Rename(old, new, date)
    taken = {(one.date, one.new) for one in found.values()}  # a name that is taken is given up first
    return tuple(sorted(found.values(), key=lambda one: (one.date, (one.date, one.old) not in taken, one.old)))


def name_on(symbol: str, day: dt.date, renames: Iterable[Rename]) -> str:
    """Return what a company is called in the end that is called `symbol` on a day."""
    for one in renames:  # by date: each change can only lead to later ones
        if one.old == symbol and one.date > day:
            symbol, day = one.new, one.date
    return symbol


def renamed(bars: Bars, renames: Iterable[Rename]) -> Bars:
    """Return the bars with each company's history under one name, the last that it has by the last bar.

    A change after the last bar is not known yet, and changes nothing.

    Raises
    ------
    DataError
        If two companies would become one: both have bars at a time, or the new name had bars of its own before.
    """
    last = bars.sessions[-1].astype("datetime64[D]").item()
    known = [one for one in renames if one.date <= last]
    if not {one.old for one in known} & {*bars.symbols}:
        return bars
    frame = bars.to_frame()
    names = frame["symbol"].to_numpy().astype(object)
    days = bars.sessions[np.searchsorted(bars.times, frame["time"].dt.tz_convert(None).to_numpy())]
    became = names.copy()
    for one in known:  # by date: what a company was called before is renamed before it is renamed again
        before = days < np.datetime64(one.date, "D")
        moved = (became == one.old) & before
        own = (names == one.new) & (became == one.new) & before
        if moved.any() and own.any():
            raise DataError(
                f"data.renamed: {one.old} became {one.new} on {one.date}, but {one.new} has bars of its own before "
                f"that, the first on {days[own].min()}: another company? Say what became of it, e.g. "
                f'{{ old = "{one.new}", new = "{one.new}-1", date = {one.date} }}'
            )
        became[moved] = one.new
    frame = frame.assign(symbol=became.astype(str)).sort_values(["symbol", "time"], kind="stable", ignore_index=True)
    found = type(bars).from_frame(frame, bars.calendar, [*bars.categories])
    return replace(found, read=bars.read, fills=bars.fills)


def renamed_spells(spells: Iterable[Spell], renames: Iterable[Rename], bars: Bars) -> tuple[Spell, ...]:
    """Return spells under the names that companies have by the last bar, whichever of theirs they were given."""
    last = bars.sessions[-1].astype("datetime64[D]").item()
    known = [one for one in renames if one.date <= last]
    return in_order(replace(one, symbol=name_on(one.symbol, one.entry or dt.date.min, known)) for one in spells)
