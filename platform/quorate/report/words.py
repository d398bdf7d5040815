"""The verdict in one paragraph of plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.model import Report

MOST = 3  # reasons that are given; the table has them all
TOLD = "ABDC"  # what is wrong with the trading is easier to see than what is wrong with the statistics


def paragraph(report: Report) -> str:
    """Return what was decided and why, from the worst reason on."""
    development, holdout = report.results["development"], report.results["holdout"]
    part = holdout if holdout and development["verdict"] == "PASS" else development
    counting = [gate for gate in part["gates"] if gate.get("required", True)]
    missed = [gate for gate in counting if gate["verdict"] != "PASS"]
    where = "holdout" if part is holdout else "walk-forward"
    if missed:
        open_questions = all(gate["verdict"] == "INSUFFICIENT" for gate in missed)
        lead = "Not promoted, too little is known" if open_questions else "Not promoted"
        return f"{lead}: {reasons(missed)}. The {where} passed {len(counting) - len(missed)} of {len(counting)} gates."
    if holdout:
        text = f"Promoted: walk-forward and holdout passed every gate, {_count(development, holdout)} in all."
    elif report.provenance["holdout"]["start"] is None:
        text = f"Not promoted: the walk-forward passed all {len(counting)} gates, but no holdout confirms it."
    else:
        text = (
            f"Not promoted yet: the walk-forward passed all {len(counting)} gates, and the holdout is closed; "
            f"quorate promote {report.run_id} opens it."
        )
    warned = [f"{gate['gate']}: {gate['warning']}" for gate in part["gates"] if gate.get("warning")]
    return f"{text} To mind: {'; '.join(warned[:MOST])}." if warned else text


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
    shown = {"fraction": f"{value:.1%}", "count": f"{value:,.0f}", "p-value": f"{value:.3f}"}
    return shown.get(unit, f"{value:.2f}")


def _count(*parts: Mapping[str, Any]) -> int:
    return sum(gate.get("required", True) for part in parts for gate in part["gates"])
