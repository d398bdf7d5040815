"""Ticker changes: bars of one company under several names become one history."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from quorate.bars.universe import Rows, Spell, day_of, in_order
from quorate.errors import DataError, DataWarning, plural

if TYPE_CHECKING:
    from quorate.bars.panel import Bars

COLUMNS = ("old", "new", "date")
AT_ONCE = 5  # sessions after a change, within which bars under the old name are hardly of another company


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
    return in_turn(found.values())


def in_turn(renames: Iterable[Rename]) -> tuple[Rename, ...]:
    """Return ticker changes in the order in which they are to be made: a name that is taken is given up first."""
    every = {*renames}
    taken = {(one.date, one.new) for one in every}
    return tuple(sorted(every, key=lambda one: (one.date, (one.date, one.old) not in taken, one.old)))


def name_on(symbol: str, day: dt.date, renames: Iterable[Rename]) -> str:
    """Return what a company is called in the end that is called `symbol` on a day."""
    for one in renames:  # by date: each change can only lead to later ones
        if one.old == symbol and one.date > day:
            symbol, day = one.new, one.date
    return symbol


def renamed(bars: Bars, renames: Iterable[Rename], collection: str = "") -> Bars:
    """Return the bars with each company's history under one name, the last that it has by the last bar.

    A change after the last bar is not known yet, and changes nothing. Warns of bars that keep the old name.

    Parameters
    ----------
    renames : iterable of Rename
        As `in_turn` gives them.
    collection : str
        The one of the store that knows them; without it they are the recipe's.

    Raises
    ------
    DataError
        If two companies would become one, as both have bars at a time, or the new name had bars of its own before; or
        one would become two, as its bars go on under the old name.
    """
    last = bars.sessions[-1].astype("datetime64[D]").item()
    known = [one for one in renames if one.date <= last]
    if not {one.old for one in known} & {*bars.symbols}:
        return replace(bars, renames=in_turn((*bars.renames, *known))) if known else bars
    where = f"the collection {collection!r}" if collection else "data.renamed"
    if bars.fills is not None:
        raise DataError(
            f"{where}: these bars are of several markets, which are aligned by symbol: a company is renamed within "
            "one market, before quorate.align; leave out changes from one market to another"
        )
    frame = bars.to_frame()
    names = frame["symbol"].to_numpy().astype(object)
    days = bars.sessions[np.searchsorted(bars.times, frame["time"].dt.tz_convert(None).to_numpy())]
    became = names.copy()
    for one in known:  # by date: what a company was called before is renamed before it is renamed again
        before = days < np.datetime64(one.date, "D")
        moved = (became == one.old) & before
        own = (names == one.new) & (became == one.new) & before
        if moved.any() and own.any():
            other = (
                f"quorate data action {collection} {one.new} rename {one.date} {one.new}-1"
                if collection
                else f'{{ old = "{one.new}", new = "{one.new}-1", date = {one.date} }}'
            )
            raise DataError(
                f"{where}: {one.old} became {one.new} on {one.date}, but {one.new} has bars of its own before "
                f"that, the first on {days[own].min()}: another company? Say what became of it, e.g. {other}"
            )
        if moved.any() and (told := _keeps_its_name(bars, one, known, collection)):
            warnings.warn(f"{where}: {told}", DataWarning, stacklevel=2)
        became[moved] = one.new
    frame = frame.assign(symbol=became.astype(str)).sort_values(["symbol", "time"], kind="stable", ignore_index=True)
    made = type(bars).from_frame(frame, bars.calendar, [*bars.categories])
    made = replace(made, read=bars.read, renames=in_turn((*bars.renames, *known)))
    if bars.universe is None:
        return made
    return replace(made, universe=replace(bars.universe, spells=renamed_spells(bars.universe.spells, known, made)))


def _keeps_its_name(bars: Bars, one: Rename, known: Sequence[Rename], collection: str) -> str:
    """Return what is said of bars that go on under the old name from the day of a change on; nothing, if none do.

    Raises
    ------
    DataError
        If there are none under the new name meanwhile: the history would be cut in two.
    """
    since = int(np.searchsorted(bars.sessions, np.datetime64(one.date, "D")))
    column = {name: k for k, name in enumerate(bars.symbols)}
    old = bars.close[since:, column[one.old]]
    there = np.flatnonzero(np.isfinite(old))
    if not len(there) or len(np.unique(bars.sessions[since : since + there[0]])) >= AT_ONCE:
        return ""
    first = bars.sessions[since + there[0]]
    if any(other.new == one.old and one.date <= other.date for other in known):
        return ""  # another company took the name over
    new = bars.close[since:, column[one.new]] if one.new in column else np.full(len(old), np.nan)
    both = np.isfinite(old) & np.isfinite(new)
    count = plural(len(there), "bar")
    if not both.any():
        undo = (
            f"leave the change out; quorate data action {collection} {one.old} rename {one.date} --undo takes it back"
        )
        whose = undo if collection else "leave the change out of the recipe"
        where = f"the collection {collection!r}" if collection else "data.renamed"
        raise DataError(
            f"{where}: {one.old} became {one.new} on {one.date}, but {count} are called {one.old} still, the first on "
            f"{first}, and none of these times has one called {one.new}: its history would be cut in two. If its bars "
            f"keep the old name, {whose}"
        )
    same = int(np.isclose(old[both], new[both], rtol=1e-9, atol=0).sum())
    return (
        f"{one.old} became {one.new} on {one.date}, but {count} are called {one.old} still, the first on {first}; "
        f"{one.new} has bars at {int(both.sum()):,} of these times, {same:,} with the same close. They are kept as "
        f"those of another company; if they are the same one's, leave {one.old} out, e.g. by a data.universe that "
        f"names the others"
    )


def renamed_spells(spells: Iterable[Spell], renames: Iterable[Rename], bars: Bars) -> tuple[Spell, ...]:
    """Return spells under the names that companies have by the last bar, whichever of theirs they were given."""
    last = bars.sessions[-1].astype("datetime64[D]").item()
    known = [one for one in renames if one.date <= last]
    return in_order(replace(one, symbol=name_on(one.symbol, one.entry or dt.date.min, known)) for one in spells)
