"""The reports of runs, as the ledger knows them: so that one that is edited, or set back, is missed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quorate.evidence.ledger.candidates import ROLES
from quorate.evidence.ledger.chain import Entry
from quorate.evidence.ledger.ledger import ledger_of
from quorate.recipe.canonical import digest
from quorate.store import Home


def record_report(home: Home, run: str, part: str, verdict: str, seal: str) -> None:
    """Record that a run has found its report of a part; before it is stored, so that none is without its entry.

    Parameters
    ----------
    run, part : str
        Whose report, and what it was extended by: ``development`` or ``holdout``.
    verdict : str
        Of the part.
    seal : str
        The report's, which changes with every letter of it.

    Raises
    ------
    StoreError, IntegrityError
        If the ledger cannot be written, or its last line was changed.
    """
    with ledger_of(home).writing() as write:
        write([{"kind": "report", "run": run, "part": part, "verdict": verdict, "seal": seal}])


def missed(report: Mapping[str, Any], entries: Iterable[Entry]) -> Iterator[tuple[str, str, str]]:
    """Yield what a report must be by the ledger's entries of its run, and is not: what, as it must be, as it was."""
    own = list(entries)
    seal = digest({key: value for key, value in report.items() if key != "seal"})
    reports = [e for e in own if e.get("kind") == "report"]
    if reports and reports[-1]["seal"] != seal:
        yield "its report", f"that of entry {reports[-1]['seq']}, {reports[-1]['seal'][:12]}", seal[:12]
    results = report["results"]
    if not reports and any(e.get("entered") for e in own):
        yield "its report", "in the ledger, as its candidates are", "not there"
    tried: dict[str, set[tuple[str, str]]] = {"development": set(), "holdout": set()}
    for entry in own:
        if entry.get("kind") == "candidate":
            tried[entry["part"]].add((entry["series"], entry["strategy"]))
    if tried["holdout"] and results["holdout"] is None:
        yield "its holdout", "opened, as its candidates in the ledger say", "closed"
    if "ledger" not in report["provenance"]:
        return  # of a version that had no ledger
    for part, known in tried.items():
        # What never traded was no try.
        judged = [
            (one["name"], one["strategy"])
            for one in (results[part] or {}).get("series", [])
            if one["role"] in ROLES and one["metrics"].get("total-return")
        ]
        lost = [f"{name}/{strategy}" for name, strategy in judged if (name, strategy) not in known]
        if lost:
            yield f"the candidates of its {part}", "in the ledger, each", f"{len(lost)} missing, e.g. {lost[0]}"
