"""What a store, or a recipe, knows of companies: the names that they had, and when they were delisted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from quorate.bars.renames import Rename, name_on, renamed
from quorate.bars.universe import Spell, Universe, in_order, in_universe
from quorate.errors import DataError

if TYPE_CHECKING:
    from quorate.bars.panel import Bars


@dataclass(frozen=True)
class Changes:
    """Ticker changes and delistings.

    Parameters
    ----------
    renames : tuple of Rename
        In the order in which they are to be made.
    delistings : tuple of Spell
        Without an entry; the exit is the last session.
    """

    renames: tuple[Rename, ...] = ()
    delistings: tuple[Spell, ...] = ()

    def names(self, symbols: Iterable[str]) -> set[str]:
        """Return symbols with every name that ticker changes lead to from them, or lead to them from."""
        found = {*symbols}
        while more := {n for one in self.renames for n in (one.old, one.new) if {one.old, one.new} & found} - found:
            found |= more
        return found

    def chosen(self, symbols: Iterable[str], there: Sequence[str]) -> list[str]:
        """Return which symbols with bars are meant: a name means who has it in the end, else who had it first."""
        wanted: set[str] = set()
        for name in symbols:
            last = name_on(name, dt.date.min, self.renames)
            wanted |= {name} if name in there else {last} if last in there else self.names([name])
        return sorted(wanted & {*there})

    def applied(self, bars: Bars, collection: str) -> Bars:
        """Return bars of a collection under the last names of companies, each until it was delisted.

        Raises
        ------
        DataError
            As of `quorate.bars.renames.renamed`.
        """
        bars = renamed(bars, self.renames, collection)
        spells: dict[str, list[Spell]] = {}
        for one in self.delistings:
            assert one.exit is not None
            name = name_on(one.symbol, one.exit, bars.renames)
            if name in bars.symbols:
                spells.setdefault(name, []).append(replace(one, symbol=name))
        if not spells:
            return bars
        for name, several in spells.items():
            if len(several) > 1:
                days = " and ".join(str(one.exit) for one in several)
                raise DataError(
                    f"the collection {collection!r} has {name} delisted on {days}: a company is delisted once; take "
                    f"one back, e.g. quorate data action {collection} {name} delisting {several[0].exit} --undo"
                )
        every = (spell for name in bars.symbols for spell in spells.get(name, [Spell(name)]))
        return in_universe(bars, Universe(in_order(every)))


def agreed(known: Sequence[Rename], given: Sequence[Rename]) -> tuple[Rename, ...]:
    """Return the ticker changes of a recipe that its source has not made already.

    Raises
    ------
    DataError
        If both tell the same change otherwise: with another name, or on another day.
    """
    for one in given:
        for other in known:
            same = one.date == other.date, one.new == other.new
            if one.old == other.old and any(same) and not all(same):
                raise DataError(
                    f"data.renamed: {one.old} becomes {one.new} on {one.date}, and the source knows that it becomes "
                    f"{other.new} on {other.date}: one of them is wrong; leave it out of the recipe, or take it back "
                    f"where it was noted, as with quorate data action COLLECTION {other.old} rename {other.date} --undo"
                )
    return tuple(one for one in given if one not in known)


def with_delistings(spells: Iterable[Spell], known: Universe | None) -> tuple[Spell, ...]:
    """Return the spells of a recipe, with the delistings that its source knows; each says what the other does not.

    Raises
    ------
    DataError
        If both tell a delisting otherwise.
    """
    ends = {one.symbol: one for one in known.spells if one.delisted} if known else {}
    return in_order(_ended(spell, ends.get(spell.symbol)) for spell in spells)


def _ended(spell: Spell, end: Spell | None) -> Spell:
    """Return a spell, cut off by a delisting that lies in it."""
    if end is None or end.exit is None or (spell.entry is not None and spell.entry > end.exit):
        return spell
    cash = {one.payout for one in (spell, end) if one.delisted and one.payout is not None}
    after = spell.exit is not None and spell.exit > end.exit
    if after or (spell.delisted and spell.exit != end.exit) or len(cash) > 1:
        raise DataError(
            f"data.universe: {_told(spell)}, and the source knows that {_told(end)}: one of them is wrong; correct the "
            f"recipe's, or take the other back where it was noted, as with quorate data action COLLECTION "
            f"{end.symbol} delisting {end.exit} --undo"
        )
    if spell.exit is not None and spell.exit < end.exit:
        return spell  # it had left before
    return replace(spell, exit=end.exit, delisted=True, payout=next(iter(cash), None))


def _told(spell: Spell) -> str:
    pays = "" if spell.payout is None else f" and pays {spell.payout:g}"
    return f"{spell.symbol} {'is delisted on' if spell.delisted else 'belongs until'} {spell.exit}{pays}"
