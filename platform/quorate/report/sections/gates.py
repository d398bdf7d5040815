"""The gates as they are read: worst first, each with the bound that binds and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report.distance import distance
from quorate.report.figures import figure
from quorate.report.rates import excess_text
from quorate.report.report import Report
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text, Tone

Gate = Mapping[str, Any]
TIERS = "ABDC"  # what is wrong with the trading is easier to see than what is wrong with the statistics
TONES: dict[str, Tone] = {"FAIL": "bad", "INSUFFICIENT": "warn", "WARN": "warn", "PASS": "good"}
COUNTED = {"FAIL": "failed", "INSUFFICIENT": "cannot be judged", "WARN": "warned", "PASS": "passed"}
# What gates say of a series that lost money: their own words speak of what is left of the gain.
LOST = {"concentration": "it lost, with and without its best", "halves": "it lost", "psr": "it lost"}
SHORT = {"INSUFFICIENT": "INSUF"}


def word(gate: Gate) -> str:
    """Return the verdict; what is missed without counting is a warning."""
    counts = gate.get("required", True) or gate["verdict"] == "PASS"
    return str(gate["verdict"]) if counts else "WARN"


def worst_first(gates: Sequence[Gate]) -> list[Gate]:
    """Return the gates: failed ones, what is not known, warnings, passed ones; within each by what is easy to see."""
    return sorted(gates, key=lambda gate: ([*TONES].index(word(gate)), TIERS.index(gate["tier"]), gate["gate"]))


def binding(gate: Gate) -> tuple[float | None, str, float]:
    """Return figure, condition and bound that decided: of the number of trades and that of bars the one that lacks."""
    told = gate.get("inputs") or {}
    if (
        gate["gate"] == "sample-size"
        and gate["verdict"] != "PASS"
        and told.get("bets", told.get("closed", 0)) >= gate["threshold"]
    ):
        return told["bars"], ">=", told["least_bars"]
    return gate["value"], gate["condition"], gate["threshold"]


def remarks(gate: Gate, lost: bool) -> str:
    """Return what a gate says beside its figures, in words that fit whether there was a gain or a loss.

    Parameters
    ----------
    lost : bool
        Whether the judged series lost money: then there is no gain to be left of.
    """
    reason = "" if gate["verdict"] == "PASS" or gate["reason"].startswith("must be ") else gate["reason"]
    if lost and gate["gate"] in LOST and gate["verdict"] == "FAIL":
        reason = LOST[gate["gate"]]
    warning = gate.get("warning", "")
    if gate["gate"] == "forecast" and gate["verdict"] == "PASS" and "worse" in gate["uncertainty"]:
        warning = "its errors are the larger ones, and yet it moves with what is to come"
    return "; ".join(dict.fromkeys(text for text in (reason, warning) if text))


def uncertainty(gate: Gate) -> str:
    """Return how sure the figure is; what the test beside it found is a remark, where it seems to contradict."""
    told = str(gate["uncertainty"])
    return told.partition(":")[0] if gate["gate"] == "forecast" and gate["verdict"] == "PASS" else told


def row(gate: Gate, bars: int, lost: bool) -> list[Cell]:
    """Return a gate as a row of the table."""
    value, condition, bound = binding(gate)
    unit, verdict = gate["unit"], word(gate)
    lacks = distance(gate, bars) if gate["verdict"] == "FAIL" else ""
    told = "; ".join(dict.fromkeys(text for text in (lacks, remarks(gate, lost)) if text))
    return [
        Cell(SHORT.get(verdict, verdict), None, TONES[verdict]),
        Cell(f"{gate['tier']} {gate['gate']}"),
        Cell(figure(value, unit), value),
        Cell(f"{condition} {figure(bound, unit)}", bound),
        Cell(figure(gate["benchmark"], unit), gate["benchmark"], "faint"),
        Cell(told),
        Cell(uncertainty(gate), None, "faint"),
        Cell(gate["sample"], None, "faint"),
    ]


COLUMNS = (
    Column("verdict", "left"),
    Column("gate", "left"),
    Column("value"),
    Column("must be"),
    Column("buy & hold", keep=3),
    Column("to pass, and to mind", "left"),
    Column("uncertainty", "left", keep=4),
    Column("sample", "left", keep=5),
)


def table(part: Mapping[str, Any], gates: Sequence[Gate]) -> Table:
    """Return these gates of a part as a table."""
    bars, lost = part["span"]["bars"], lost_money(part)
    return Table(COLUMNS, [[row(gate, bars, lost) for gate in worst_first(gates)]])


def lost_money(part: Mapping[str, Any]) -> bool:
    """Say whether the judged series ended below its capital."""
    return bool((part["series"][0]["metrics"].get("total-return") or 0.0) < 0)


def gates(report: Report, part: str) -> Section:
    """Return all gates of a part."""
    found = report.results[part]
    counted = [word(gate) for gate in found["gates"]]
    told = ", ".join(f"{counted.count(verdict)} {said}" for verdict, said in COUNTED.items() if verdict in counted)
    sentence = f"What was asked of the {said_of(part)}, and what it came to: of {plural(len(counted), 'gate')} {told}."
    excess = [Text(cash)] if (cash := excess_text(report, part)) else []
    return Section("gates", "Gates", sentence, [table(found, found["gates"]), *excess], part)


def missed(report: Report, part: str) -> list[Block]:
    """Return the gates that were not passed, and a line of those that were."""
    found = report.results[part]
    passed = [gate for gate in worst_first(found["gates"]) if word(gate) == "PASS"]
    others = [gate for gate in found["gates"] if word(gate) != "PASS"]
    blocks: list[Block] = [table(found, others)] if others else []
    if passed:
        told = ", ".join(f"{gate['gate']} {figure(gate['value'], gate['unit'])}" for gate in passed)
        blocks.append(Text(f"{len(passed)} passed: {told}.", "faint"))
    return blocks


def said_of(part: str) -> str:
    """Return a part of a run in words."""
    return "holdout" if part == "holdout" else "walk-forward"
