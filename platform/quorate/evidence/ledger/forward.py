"""The forward record: what versions forecast before it came, a chain of its own that the ledger notes the head of.

::

    HOME/forward/record.jsonl    an entry per line, chained as the ledger's; of all versions: one head tells all
    HOME/forward/lock            held while entries are added

It is apart from the ledger, as it may grow by many entries a second, and every count of trials reads the whole ledger.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping

from quorate.errors import IntegrityError
from quorate.evidence.ledger.chain import Entry, read_chain
from quorate.evidence.ledger.ledger import Ledger, ledger_of
from quorate.store import Home

FOLDER, FILE = "forward", "record.jsonl"


def record_of(home: Home, warn: Callable[[str], object] = warnings.warn) -> Ledger:
    """Return the chain of a home's forward record."""
    return Ledger(home.path / FOLDER, warn, FILE)


def broken_record(home: Home, entries: Iterable[Entry]) -> Iterator[tuple[str, str, str, str]]:
    """Yield what does not hold in the record: its own chain, and what these entries of the ledger saw of it.

    Where, what was looked at, what it must be, and what it was.
    """
    record = record_of(home)
    lines, broken = read_chain(record.read())
    if broken:
        yield f"{record.path}, line {broken.line}", *broken[1:]
    for entry in entries:
        if entry.get("kind") != "forward":
            continue
        seq, expected = entry["entries"], entry["head"]
        where = f"{record.path}, which entry {entry['seq']} of the ledger saw"
        if seq <= len(lines) and lines[seq - 1]["hash"] != expected:
            yield where, f"the hash of its line {seq}", expected, lines[seq - 1]["hash"]
        elif seq > len(lines) and not broken:
            yield where, "its last line", f"{seq} or later", str(len(lines)) if lines else "nothing"


def check_record(home: Home) -> list[Entry]:
    """Return the entries of the record, oldest first, after checking them and what the ledger saw of them.

    Raises
    ------
    IntegrityError
        If a line was changed, removed or moved, or lines are gone that the ledger saw.
    """
    for where, what, expected, found in broken_record(home, ledger_of(home).entries()):
        raise IntegrityError(
            f"the forward record was changed: {where}: {what} must be {expected}; it was {found}. Restore it from a "
            "backup"
        )
    return record_of(home).entries()


def last_noted(home: Home) -> Entry | None:
    """Return the latest entry of the ledger about the forward record."""
    return next((e for e in reversed(ledger_of(home).entries()) if e.get("kind") == "forward"), None)


def note_record(home: Home, verdicts: Mapping[str, str]) -> Entry | None:
    """Note in the ledger how far the record goes, and what was said of each ensemble; nothing, if that is known.

    Raises
    ------
    IntegrityError
        If the ledger, or the record, was changed.
    """
    lines = record_of(home).entries()
    if not lines:
        return None
    before = last_noted(home)
    said = {**(before["verdicts"] if before else {}), **verdicts}
    told = {"entries": lines[-1]["seq"], "head": lines[-1]["hash"], "verdicts": said}
    if before and all(before[name] == value for name, value in told.items()):
        return None
    return ledger_of(home).append([{"kind": "forward", "run": "", **told}])[0]
