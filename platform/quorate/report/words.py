"""The verdict in one paragraph of plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.console import p_value, plural
from quorate.report.report import Report

MOST = 3  # reasons that are given; the table has them all
TOLD = "ABDC"  # what is wrong with the trading is easier to see than what is wrong with the statistics


def paragraph(report: Report) -> str:
    """Return what was decided and why, from the worst reason on; then by what it was judged, and what to mind."""
    development, holdout = report.results["development"], report.results["holdout"]
    part = holdout if holdout and development["verdict"] == "PASS" else development
    counting = [gate for gate in part["gates"] if gate.get("required", True)]
    missed = [gate for gate in counting if gate["verdict"] != "PASS"]
    where = "holdout" if part is holdout else "walk-forward"
    decided = _missed(missed, counting, where) if missed else _passed(report, len(counting))
    told = [decided, *judged_by(report.provenance.get("gates", {})), *_seen(report.provenance["holdout"])]
    warned = [f"{gate['gate']}: {gate['warning']}" for gate in part["gates"] if gate.get("warning")]
    if warned and not missed:
        told.append(f"To mind: {'; '.join(warned[:MOST])}.")
    return " ".join(told)


def _missed(missed: Sequence[Mapping[str, Any]], counting: Sequence[Mapping[str, Any]], where: str) -> str:
    open_questions = all(gate["verdict"] == "INSUFFICIENT" for gate in missed)
    lead = "Not promoted, too little is known" if open_questions else "Not promoted"
    passed = f"{len(counting) - len(missed)} of {plural(len(counting), 'gate')}"
    return f"{lead}: {reasons(missed)}. The {where} passed {passed}."


def _passed(report: Report, n: int) -> str:
    development, holdout = report.results["development"], report.results["holdout"]
    if holdout:
        return f"Promoted: walk-forward and holdout passed every gate, {_count(development, holdout)} in all."
    every = f"all {n} gates" if n > 1 else "its only gate"
    if report.provenance["holdout"]["start"] is None:
        return f"Not promoted: the walk-forward passed {every}, but no holdout confirms it."
    return (
        f"Not promoted yet: the walk-forward passed {every}, and the holdout is closed; "
        f"quorate promote {report.run_id} opens it."
    )


def judged_by(gates: Mapping[str, Any]) -> list[str]:
    """Return how the recipe's gates differ from the preset ``standard``, in sentences; see `departures`."""
    without, told = gates.get("without", ()), []
    if without and gates["preset"] == "headline":
        are = "is" if len(without) == 1 else "are"
        told.append(f"Judged by the preset headline: {plural(len(without), 'gate')} of standard {are} left out.")
    elif without:
        told.append(f"Judged without {_listed(without)}.")
    changed = [
        f"{gate} ({', '.join(f'{name} {value}' for name, value in options.items())})"
        for gate, options in gates.get("changed", {}).items()
    ]
    return [*told, f"Judged with other options: {_listed(changed)}."] if changed else told


def _seen(holdout: Mapping[str, Any]) -> list[str]:
    """Return that other recipes had opened the holdout before."""
    looks = holdout.get("recipes_that_opened_it", 0)
    if not holdout.get("opened") or looks < 2:
        return []
    return [f"This is the {_ordinal(looks)} recipe that was judged on this holdout: it is no longer unseen."]


def _ordinal(n: int) -> str:
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def reasons(missed: Sequence[Mapping[str, Any]]) -> str:
    """Return why gates were not passed: integrity first, what a gate says in words before mere figures."""
    ordered = sorted(missed, key=lambda gate: (gate["tier"] != "A", _plain(gate), TOLD.index(gate["tier"])))
    told = [_reason(gate) for gate in ordered[:MOST]]
    more = len(ordered) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def _reason(gate: Mapping[str, Any]) -> str:
    if gate["value"] is None or not _plain(gate):
        return f"{gate['gate']}: {gate['reason']}"
    bound = f"must be {gate['condition']} {figure(gate['threshold'], gate['unit'])}"
    return f"{gate['gate']} is {figure(gate['value'], gate['unit'])} and {bound}"


def _plain(gate: Mapping[str, Any]) -> bool:
    """Whether the gate says no more than that a figure missed its bound."""
    return gate["reason"] in ("", f"must be {gate['condition']} {gate['threshold']:g}")


def figure(value: float, unit: str) -> str:
    """Return a gate's figure as it is read: a fraction as a percentage."""
    shown = {"fraction": f"{value:.1%}", "count": f"{value:,.0f}", "p-value": p_value(value)}
    return shown.get(unit, f"{value:.2f}")


def _count(*parts: Mapping[str, Any]) -> int:
    return sum(gate.get("required", True) for part in parts for gate in part["gates"])
