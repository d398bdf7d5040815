"""Counting what was tried on the same history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quorate.bars import Bars
from quorate.store.chain import BEGIN, Entry, Head
from quorate.store.ledger import Ledger
from quorate.trials._lineage import lineage_of, related


@dataclass(frozen=True)
class Trials:
    """What was tried on related data over overlapping days.

    Parameters
    ----------
    n : int
        Distinct series.
    keys : mapping of str to str
        Their keys, each with the digest of the stored returns; an empty one where nothing is stored.
    began : str
        Day of the ledger's first entry, in UTC; empty for an empty ledger.
    entries : int
        Candidates in the ledger that these series come from, repeated ones included.
    head : Head
        Of the ledger, when they were counted: counting up to it again gives the same.
    """

    n: int
    keys: Mapping[str, str]
    began: str
    entries: int
    head: Head


def count(
    ledger: Ledger, bars: Bars, first: str, last: str, own_keys: Iterable[str] = (), until: int | None = None
) -> Trials:
    """Return what was tried on data that shares history with these bars, over days that overlap.

    Parameters
    ----------
    ledger : Ledger
        Of the home.
    bars : Bars
        All of the run's.
    first, last : str
        Days of the first and last out-of-sample return, ``YYYY-MM-DD``.
    own_keys : iterable of str
        Keys of series that count too, recorded or not.
    until : int, optional
        Number of the last entry that counts: the state as it was then.

    Raises
    ------
    IntegrityError
        If the ledger was changed: a count from it would be no evidence.
    """
    entries = ledger.entries(until)
    near = nearness(ledger, bars.fingerprint, lineage_of(bars))
    found = [e for e in entries if e["kind"] == "candidate" and overlap(e, first, last) and near(e)]
    keys = {entry["key"]: entry["returns"] for entry in found}
    keys = {**dict.fromkeys(own_keys, ""), **keys}
    head = Head(entries[-1]["seq"], entries[-1]["hash"]) if entries else Head(0, BEGIN)
    return Trials(len(keys), keys, entries[0]["time"][:10] if entries else "", len(found), head)


def overlap(entry: Entry, first: str, last: str) -> bool:
    """Whether an entry's days overlap with these; one that does not say its days does."""
    return not entry["first"] or bool(entry["first"] <= last and first <= entry["last"])


def nearness(ledger: Ledger, fingerprint: str, lineage: frozenset[str]) -> Callable[[Entry], bool]:
    """Return whether an entry's data shares history with this one; where that is no longer known, it does."""
    known = {fingerprint: True}

    def near(entry: Entry) -> bool:
        data = entry["data"]
        if data not in known:
            other = ledger.files.data(data, entry["lineage"])
            known[data] = other is None or related(lineage, other)
        return known[data]

    return near


def trials_so_far(ledger: Ledger, entries: Sequence[Entry]) -> list[int | None]:
    """Return for each entry what `count` finds for its data and days up to it; None for one without data.

    Parameters
    ----------
    ledger : Ledger
        The entries' own.
    entries : sequence of dict
        All of them, oldest first.
    """
    cells: dict[tuple[Any, ...], Entry] = {_cell(e): e for e in entries if "data" in e}
    lineages = {e["data"]: ledger.files.data(e["data"], e["lineage"]) for e in cells.values()}

    def near(one: Entry, other: Entry) -> bool:
        if other["first"] and not overlap(one, other["first"], other["last"]):
            return False
        first, second = lineages[one["data"]], lineages[other["data"]]
        return one["data"] == other["data"] or first is None or second is None or related(first, second)

    reached = {cell: [other for other, e in cells.items() if near(entry, e)] for cell, entry in cells.items()}
    keys: dict[tuple[Any, ...], set[str]] = {cell: set() for cell in cells}
    numbers: list[int | None] = []
    for entry in entries:
        if entry["kind"] == "candidate":
            for cell in reached[_cell(entry)]:
                keys[cell].add(entry["key"])
        numbers.append(len(keys[_cell(entry)]) if "data" in entry else None)
    return numbers


def _cell(entry: Entry) -> tuple[Any, ...]:
    return entry["data"], entry["first"], entry["last"]
