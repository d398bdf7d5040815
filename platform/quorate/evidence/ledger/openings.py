"""Openings of holdouts and overrides of verdicts, as the ledger knows them.

A holdout is the same where the data shares history and the days overlap, whatever it is called in a recipe.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

from quorate.bars.panel import Bars
from quorate.errors import QuorateError, RecipeError
from quorate.evidence.ledger.candidates import data_facts
from quorate.evidence.ledger.chain import Entry, Head
from quorate.evidence.ledger.ledger import Ledger, Write, ledger_of
from quorate.evidence.ledger.lineage import lineage_of
from quorate.evidence.ledger.notes import keep_note
from quorate.evidence.ledger.tally import known_lineage, nearness, overlap
from quorate.store import Home
from quorate.store.run import Run

OVERRIDABLE = ("FAIL", "INSUFFICIENT")


class Opening(NamedTuple):
    """An opened holdout: how many distinct recipes had opened it by then, this one included, and its entry."""

    looks: int
    head: Head


def record_opening(
    home: Home, bars: Bars, start: int, *, run: str, recipe_digest: str, kind: Literal["run", "sweep"] = "run"
) -> Opening:
    """Record that a run, or a sweep, opens its holdout, before anything in it is computed, and count who did so far.

    The run's folder keeps a note of it. Doing so again for the same run adds nothing and returns what it returned
    then.

    Parameters
    ----------
    bars : Bars
        All of the run's, the holdout included.
    start : int
        Position of the holdout's first bar.

    Raises
    ------
    IntegrityError
        If the ledger was changed.
    StoreError
        If it cannot be written.
    """
    ledger, lineage = ledger_of(home), lineage_of(bars)
    first, last = str(bars.sessions[start]), str(bars.sessions[-1])
    with ledger.writing() as write:
        entries = ledger.entries()
        for entry in entries:
            if entry.get("kind") == "opening" and entry["run"] == run and not entry["imported"]:
                keep_note(Run(home, run, kind), entry)
                return Opening(entry["looks"], Head(entry["seq"], entry["hash"]))
        entries += _import(home, write, entries)
        judged = [
            e["key"]
            for e in entries
            if e.get("run") == run and e.get("kind") == "candidate" and e["role"] == "ensemble"
        ]
        opening = {
            "kind": "opening",
            "run": run,
            "recipe": recipe_digest,
            **data_facts(ledger, bars, lineage),
            "first": first,
            "last": last,
            "key": judged[0] if judged else "",
            "imported": False,
        }
        looks = _distinct([*_openings(entries, nearness(ledger, bars.fingerprint, lineage), first, last), opening])
        [written] = write([{**opening, "looks": looks}])
        keep_note(Run(home, run, kind), written)
    return Opening(looks, Head(written["seq"], written["hash"]))


def looks(ledger: Ledger, bars: Bars, start: int, until: int | None = None) -> int:
    """Return how many distinct recipes have opened the holdout that begins at a bar.

    Runs of one recipe on the same data count once, and so do recipes whose judged series before the holdout
    was the same.

    Parameters
    ----------
    bars, start
        As of `record_opening`.
    until : int, optional
        Number of the last entry that counts.
    """
    entries = ledger.entries(until)
    near = nearness(ledger, bars.fingerprint, known_lineage(ledger, entries, bars))
    return _distinct(_openings(entries, near, str(bars.sessions[start]), str(bars.sessions[-1])))


def record_override(home: Home, run: str, verdict: str, reason: str) -> Head:
    """Record that a run is used in spite of its verdict, and why; the run's folder keeps a note of that.

    The reason, in words, cannot be changed later.

    Raises
    ------
    RecipeError
        If there is no reason, or nothing to override.
    """
    if verdict not in OVERRIDABLE:
        raise RecipeError(f"only {' or '.join(OVERRIDABLE)} can be overridden; the verdict of run {run} is {verdict}")
    if not reason.strip():
        raise RecipeError(f"to override the verdict {verdict} of run {run} takes a written reason; it was empty")
    with ledger_of(home).writing() as write:
        [entry] = write([{"kind": "override", "run": run, "verdict": verdict, "reason": reason.strip()}])
        keep_note(Run(home, run), entry)
    return Head(entry["seq"], entry["hash"])


def _openings(entries: Iterable[Entry], near: Callable[[Entry], bool], first: str, last: str) -> list[Entry]:
    return [e for e in entries if e.get("kind") == "opening" and overlap(e, first, last) and near(e)]


def _distinct(openings: Iterable[Entry]) -> int:
    seen: set[tuple[str, str]] = set()
    number = 0
    for entry in openings:
        names = {(entry["recipe"], entry["data"]), *([("key", entry["key"])] if entry["key"] else [])}
        number += seen.isdisjoint(names)
        seen |= names
    return number


def import_noted(home: Home) -> list[Entry]:
    """Take over, once, the openings that were noted in ``HOME/holdouts`` before there was a ledger; return them.

    Raises
    ------
    IntegrityError
        If the ledger was changed.
    """
    ledger = ledger_of(home)
    with ledger.writing() as write:
        return _import(home, write, ledger.entries())


def _import(home: Home, write: Write, entries: Iterable[Entry]) -> list[Entry]:
    """Take over, once, the openings that were noted as HOME/holdouts/FINGERPRINT/RECIPE.json."""
    there = {(e["recipe"], e["data"]) for e in entries if e.get("kind") == "opening" and e["imported"]}
    noted = []
    for path in sorted((home.path / "holdouts").glob("*/*.json")):
        recipe, data = path.stem, path.parent.name
        if (recipe, data) in there:
            continue
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            run, opened = str(note["run"]), str(note["opened"])
        except (OSError, ValueError, TypeError, KeyError):
            run, opened = "", ""
        facts = {"kind": "opening", "run": run, "recipe": recipe, "data": data, "opened": opened, "imported": True}
        noted.append({**facts, "key": "", **_lineage(home, data), **_span(home, run)})
    noted.sort(key=lambda one: str(one["opened"]))
    return write(noted)


def _lineage(home: Home, fingerprint: str) -> dict[str, str]:
    try:
        lineage = lineage_of(home.bars(fingerprint))
    except QuorateError:  # then it is related to itself alone
        lineage = frozenset()
    return {"lineage": ledger_of(home).files.keep_data(fingerprint, lineage)}


def _span(home: Home, run: str) -> dict[str, Any]:
    """Return the days of a run's holdout; None where they are not known."""
    try:
        provenance = Run(home, run).report()["provenance"]
        return {"first": str(provenance["holdout"]["start"]), "last": str(provenance["data"]["last"])}
    except (QuorateError, KeyError, TypeError):
        return {"first": None, "last": None}
