"""Counting what was tried on the same history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from quorate.bars.panel import Bars
from quorate.evidence.ledger.chain import BEGIN, Entry, Head
from quorate.evidence.ledger.ledger import Ledger
from quorate.evidence.ledger.lineage import lineage_of, related

Cell = tuple[str, str, str | None, str | None, str | None]  # data, its lineage, first and last day, part of a run


@dataclass(frozen=True)
class Count:
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
    ledger: Ledger,
    bars: Bars,
    first: str,
    last: str,
    own_keys: Iterable[str] = (),
    until: int | None = None,
    recipe: str | None = None,
) -> Count:
    """Return what was tried on data that shares history with these bars, over days that overlap.

    Parameters
    ----------
    bars : Bars
        All of the run's.
    first, last : str
        Days of the first and last out-of-sample return, ``YYYY-MM-DD``.
    own_keys : iterable of str
        Keys of series that count too, recorded or not.
    until : int, optional
        Number of the last entry that counts: the state as it was then.
    recipe : str, optional
        Digest of the recipe whose walk-forward it is. Then the series of opened holdouts count whatever their
        days, as who chooses a recipe has seen them, but for those of this recipe on these bars.

    Raises
    ------
    IntegrityError
        If the ledger was changed: a count from it would be no evidence.
    """
    entries = ledger.entries(until)
    near = nearness(ledger, bars.fingerprint, known_lineage(ledger, entries, bars))
    own = recipe, bars.fingerprint

    def counts(entry: Entry) -> bool:
        if recipe is not None and entry["part"] == "holdout":
            return (entry["recipe"], entry["data"]) != own
        return overlap(entry, first, last)

    found = [e for e in entries if e.get("kind") == "candidate" and counts(e) and near(e)]
    keys = {entry["key"]: entry["returns"] for entry in found}
    keys = {**dict.fromkeys(own_keys, ""), **keys}
    head = Head(entries[-1]["seq"], entries[-1]["hash"]) if entries else Head(0, BEGIN)
    return Count(len(keys), keys, entries[0]["time"][:10] if entries else "", len(found), head)


def overlap(entry: Entry, first: str, last: str) -> bool:
    """Whether an entry's days overlap with these; one that does not say its days does.

    Of bars within a day, a holdout may begin on the day on which the walk-forward before it ends: on that day alone the
    two do not overlap.
    """
    if not entry["first"]:
        return True
    begin, end = max(first, entry["first"]), min(last, entry["last"])
    one_day = first == last or entry["first"] == entry["last"]
    return bool(begin < end or (begin == end and one_day))


def nearness(ledger: Ledger, fingerprint: str, lineage: frozenset[str]) -> Callable[[Entry], bool]:
    """Return whether an entry's data shares history with this one; where that is no longer known, it does."""
    known: dict[tuple[str, str], bool] = {}

    def near(entry: Entry) -> bool:
        data = entry["data"], entry["lineage"]
        if data[0] != fingerprint and data not in known:
            other = ledger.files.data(*data)
            known[data] = other is None or related(lineage, other)
        return data[0] == fingerprint or known[data]

    return near


def known_lineage(ledger: Ledger, entries: Sequence[Entry], bars: Bars) -> frozenset[str]:
    """Return the lineage of bars as the latest of these entries has it, or that of the bars where none does.

    So a count up to an entry stays what it was, whatever later entries or versions know of the same bars.
    """
    own = (e for e in reversed(entries) if e.get("data") == bars.fingerprint)
    for content in dict.fromkeys(entry["lineage"] for entry in own):
        if (found := ledger.files.data(bars.fingerprint, content)) is not None:
            return found
    return lineage_of(bars)


def tried_so_far(ledger: Ledger, entries: Sequence[Entry]) -> list[int | None]:
    """Return for each of all entries, oldest first, what `count` finds for its data and days up to it.

    None for one without data.
    """
    cells: dict[Cell, Entry] = {_cell(e): e for e in entries if "data" in e}
    every = {(e["data"], e["lineage"]) for e in cells.values()}
    lineages = {data: ledger.files.data(*data) for data in every}

    def near(one: Entry, other: Entry) -> bool:
        if not _looks_at(other, one) and other["first"] and not overlap(one, other["first"], other["last"]):
            return False
        first, second = (lineages[e["data"], e["lineage"]] for e in (one, other))
        return one["data"] == other["data"] or first is None or second is None or related(first, second)

    reached = {cell: [other for other, e in cells.items() if near(entry, e)] for cell, entry in cells.items()}
    keys: dict[Cell, set[str]] = {cell: set() for cell in cells}
    seen: dict[Cell, dict[str, set[tuple[str, str]]]] = {cell: {} for cell in cells}  # in holdouts, and whose
    numbers: list[int | None] = []
    for entry in entries:
        if "data" not in entry:
            numbers.append(None)
            continue
        own, place = (entry["recipe"], entry["data"]), _cell(entry)
        if entry.get("kind") == "candidate":
            for cell in reached[place]:
                if _looks_at(cells[cell], entry):
                    seen[cell].setdefault(entry["key"], set()).add(own)
                else:
                    keys[cell].add(entry["key"])
        others = sum(key not in keys[place] and whose != {own} for key, whose in seen[place].items())
        numbers.append(len(keys[place]) + others)
    return numbers


def _looks_at(one: Entry, other: Entry) -> bool:
    """Whether one is of a walk-forward, and the other of a holdout that counts against it whatever its days."""
    return one.get("part") == "development" and other.get("part") == "holdout"


def _cell(entry: Entry) -> Cell:
    return entry["data"], entry["lineage"], entry["first"], entry["last"], entry.get("part")
