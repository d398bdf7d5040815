"""Checking the ledger: its chain, what it stands for, the forward record, and that it holds all that runs saw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, QuorateError
from quorate.evidence.ledger.chain import BEGIN, Break, Entry, Head, read_chain
from quorate.evidence.ledger.forward import broken_record
from quorate.evidence.ledger.ledger import ledger_of
from quorate.evidence.ledger.notes import NOTED, note_path, noted
from quorate.evidence.ledger.reports import missed
from quorate.store import Home, Run


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written.

    Parameters
    ----------
    where : str
        A line of the ledger, a file, or a run.
    what, expected, found : str
        What was looked at, what it must be, and what it was.
    line : int or None
        Number of the line, for the ledger itself.
    """

    where: str
    what: str
    expected: str
    found: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.what} must be {self.expected}; it was {self.found}"


@dataclass(frozen=True)
class Verification:
    """What came of checking a ledger.

    Parameters
    ----------
    entries : int
        That hold, from the first one on.
    head : Head
        The last of them.
    files, missing : int
        Stored series and lineages that are as they were, and that are gone: what is gone counts as independent, or
        as related, so that it makes no result look better.
    runs : int
        Heads that runs saw, compared.
    torn : int
        Bytes at the end that are no whole line: a write that was cut off, set aside by the next one.
    problems : tuple of Problem
        Empty, if all holds; that of the chain first.
    """

    entries: int
    head: Head
    files: int
    missing: int
    runs: int
    torn: int
    problems: tuple[Problem, ...]

    @property
    def sound(self) -> bool:
        """Whether all holds."""
        return not self.problems


def verify(home: Home) -> Verification:
    """Check the ledger of a home and say what does not hold; nothing is changed.

    Heads are looked for in the reports of runs and of sweeps, as ``provenance.ledger`` and
    ``provenance.holdout.ledger`` (of a sweep ``ledger`` and ``holdout.ledger``): mappings
    with ``seq`` and ``hash``; and in the notes that runs keep of their opened holdout and of their override, see
    `quorate.evidence.ledger.notes`. A note that the ledger speaks of must be there, too.

    Raises
    ------
    StoreError
        If the ledger was written by a newer version.
    """
    # Read first: a run that ends meanwhile may have seen more than this.
    heads = list(_heads(home))
    text = ledger_of(home).read()
    entries, broken = read_chain(text)
    problems = [Problem(f"line {broken.line}", *broken[1:], line=broken.line)] if broken else []
    files, missing, changed = _check_files(home, entries)
    problems += changed
    problems += [problem for run, head in heads if (problem := _check_head(entries, broken, run, head))]
    problems += _check_notes(home, entries)
    problems += _check_reports(home, entries) if not broken else []
    problems += [Problem(*found) for found in broken_record(home, entries)]
    head = Head(entries[-1]["seq"], entries[-1]["hash"]) if entries else Head(0, BEGIN)
    torn = len(text.rpartition(b"\n")[2])
    return Verification(len(entries), head, files, missing, len(heads), torn, tuple(problems))


def _check_files(home: Home, entries: list[Entry]) -> tuple[int, int, list[Problem]]:
    stored = ledger_of(home).files
    checks: dict[Path, tuple[bool, str]] = {}  # whether it is whole, its digest
    for entry in entries:
        if "data" in entry:
            data, digest = entry["data"], entry["lineage"]
            checks.setdefault(stored.data_path(data, digest), (stored.data(data, digest) is not None, digest))
        if "returns" in entry:
            key, digest = entry["key"], entry["returns"]
            checks.setdefault(stored.returns_path(key), (stored.returns(key, digest) is not None, digest))
    sound = sum(whole for whole, _ in checks.values())
    changed = [
        Problem(str(path), "its content", f"that with digest {digest[:12]}", "changed")
        for path, (whole, digest) in checks.items()
        if not whole and path.exists()
    ]
    return sound, len(checks) - sound - len(changed), changed


def _check_notes(home: Home, entries: list[Entry]) -> Iterator[Problem]:
    """Yield the notes of runs that are not those of the latest entries about them."""
    there = {run.id: run for run in (*home.runs(), *home.runs("sweep"))}
    latest = {(e.get("run"), e["kind"]): e for e in entries if e.get("kind") in NOTED and not e.get("imported")}
    wanted = {(name, kind): latest.get((name, kind)) for name in there for kind in NOTED}
    for (name, kind), entry in wanted.items():
        path = note_path(there[name], kind)
        try:
            note = noted(there[name], kind)
        except IntegrityError:
            yield Problem(str(path), "its content", "as it was written", "changed")
            continue
        if entry and (note is None or note["seq"] < entry["seq"]):
            found = f"that of entry {note['seq']}" if note else "gone"
            yield Problem(str(path), "the run's note", f"that of entry {entry['seq']}", found)


def _check_reports(home: Home, entries: list[Entry]) -> Iterator[Problem]:
    """Yield the reports that are not those that the ledger knows."""
    own: dict[str, list[Entry]] = {}
    for entry in entries:
        own.setdefault(str(entry.get("run")), []).append(entry)
    for run in home.runs():
        if (run.path / "report.json").exists():
            with suppress(QuorateError, KeyError, TypeError, ValueError, AttributeError):  # told where it is read
                for problem in missed(run.report(), own.get(run.id, [])):
                    yield Problem(f"run {run.id}", *problem)


def _heads(home: Home) -> Iterator[tuple[str, Head]]:
    for run in (*home.runs(), *home.runs("sweep")):
        if (run.path / "report.json").exists():
            yield from ((run.id, head) for head in _heads_of(run))
        for kind in NOTED:
            with suppress(IntegrityError):  # told with the notes
                if note := noted(run, kind):
                    yield run.id, Head(note["seq"], note["hash"])


def _heads_of(run: Run) -> Iterator[Head]:
    try:
        report = run.report()
        provenance: dict[str, Any] = report["provenance"] if run.kind == "run" else report
        for kept in (provenance.get("ledger"), (provenance.get("holdout") or {}).get("ledger")):
            if kept and "hash" in kept:
                yield Head(int(kept["seq"]), str(kept["hash"]))
    except (QuorateError, KeyError, TypeError, ValueError, AttributeError):
        return  # a report that cannot be read is told where it is read


def _check_head(entries: list[Entry], broken: Break | None, run: str, head: Head) -> Problem | None:
    if head.seq < 1:
        return None
    if head.seq > len(entries):
        if broken:
            return None  # told already
        last = f"entry {len(entries)}" if entries else "nothing"
        return Problem(f"run {run}", "what it saw of the ledger, its last entry,", f"entry {head.seq} or later", last)
    found = entries[head.seq - 1]["hash"]
    if found == head.hash:
        return None
    return Problem(f"run {run}", f"the hash of entry {head.seq}, which it saw,", head.hash, found)
