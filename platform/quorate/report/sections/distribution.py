"""What was forecast of the distribution of labels: quantiles, intervals and tails, and whether they held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text, Tone
from quorate.report.sections.steps import some_of, traded_step

SIZE = 0.05  # of the tests, from which on they are told in words
TAILLESS = "Of rare losses nothing is told: that needs the quantile 0.05 or 0.01, or two around it at most 0.05 apart."
WORDS: Mapping[str, Tone] = {
    "holds": "good",
    "too narrow": "bad",
    "too wide": "warn",
    "as forecast": "good",
    "not tested": "faint",
}


def distribution(report: Report, part: str) -> Section | None:
    """Return how quantiles, intervals and tails of every series held; None where there are none."""
    found = report.results[part]
    if not found.get("quantiles"):
        return None
    traded = traded_step(report, part)
    intervals, quantiles, tails = (
        [row for row in found.get(name, ()) if row["step"] == traded] for name in ("intervals", "quantiles", "tails")
    )
    blocks: list[Block] = []
    if intervals:
        blocks.append(_intervals([row for row in intervals if row["fold"] is None]))
    blocks.append(_quantiles([row for row in quantiles if row["fold"] is None]))
    blocks.append(_tails(tails) if tails else Text(TAILLESS, "faint"))
    blocks += _by_fold(intervals)
    blocks += _by_step(found.get("intervals", ()), traded)
    sentence = (
        f"How often labels of the {said_of(part)} lay where forecasts of their distribution said: an interval of 80% "
        "should hold four labels out of five."
    )
    return Section("distribution", "Distribution", sentence, blocks, part)


def _number(value: float | None, unit: str) -> Cell:
    return Cell(figure(value, unit), value)


def _words(words: str) -> Cell:
    return Cell(words, tone=WORDS.get(words, "bad"))


def _intervals(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("series", "left"), Column("interval"), Column("coverage"), Column("95% CI", keep=2),
        Column("width"), Column("forecasts", keep=3), Column("it", "left"),
    ]  # fmt: skip
    shown = []
    for row in rows:
        low, high = row["coverage_low"], row["coverage_high"]
        words = "too narrow" if high < row["nominal"] else "too wide" if low > row["nominal"] else "holds"
        shown.append(
            [
                Cell(row["series"]),
                _number(row["nominal"], "fraction"),
                _number(row["coverage"], "fraction"),
                Cell(f"{figure(low, 'fraction')} to {figure(high, 'fraction')}"),
                _number(row["width"], "fine"),
                _number(row["n"], "count"),
                _words(words),
            ]
        )
    return Table(columns, [shown], "intervals")


def _quantiles(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [Column("series", "left"), Column("quantile"), Column("labels below"), Column("pinball")]
    groups: dict[str, list[list[Cell]]] = {}
    for row in rows:
        groups.setdefault(row["series"], []).append(
            [
                Cell(row["series"]),
                Cell(f"{row['level']:g}", row["level"]),
                _number(row["below"], "fraction"),
                Cell(f"{row['pinball']:.3g}", row["pinball"]),
            ]
        )
    return Table(columns, list(groups.values()), "quantiles")


def _tails(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("series", "left"), Column("confidence"), Column("VaR"), Column("CVaR"), Column("mean excess", keep=4),
        Column("exceeded"), Column("expected"), Column("Kupiec p", keep=2), Column("Christoffersen p", keep=3),
        Column("it", "left"),
    ]  # fmt: skip
    shown = [
        [
            Cell(row["series"]),
            _number(row["confidence"], "fraction"),
            _number(row["value_at_risk"], "fine"),
            _number(row["expected_shortfall"], "fine"),
            _number(row["mean_excess"], "fine"),
            _number(row["exceeded"], "count"),
            Cell(f"{row['expected']:,.1f}", row["expected"]),
            _number(row["kupiec_p"], "p-value"),
            _number(row["christoffersen_p"], "p-value"),
            _words(_said_of(row)),
        ]
        for row in rows
    ]
    return Table(columns, [shown], "tails")


def _said_of(row: Mapping[str, Any]) -> str:
    """Return in words what the two tests say of a tail."""
    if row["kupiec_p"] is None:
        return "not tested"
    if row["kupiec_p"] < SIZE:
        return "too often" if row["exceeded"] > row["expected"] else "too rarely"
    if row["christoffersen_p"] is not None and row["christoffersen_p"] < SIZE:
        return "together"
    return "as forecast"


def _widest(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return what the widest interval of each series should hold."""
    widest: dict[str, float] = {}
    for row in rows:
        widest[row["series"]] = max(row["nominal"], widest.get(row["series"], 0.0))
    return widest


def _told(widest: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {figure(nominal, 'fraction')}" for name, nominal in widest.items())


def _by_step(rows: Sequence[Mapping[str, Any]], traded: int) -> list[Block]:
    """Return the coverage of the widest interval of each series that forecasts several steps, by some of these."""
    several = {row["series"] for row in rows if row["step"] != traded}
    own = [row for row in rows if row["fold"] is None and row["series"] in several]
    if not own:
        return []
    widest = _widest(own)
    at = {(r["step"], r["series"]): r["coverage"] for r in own if r["nominal"] == widest[r["series"]]}
    chosen = some_of(sorted({row["step"] for row in own}), traded)
    shown = [
        [_number(step, "count"), *(_number(at.get((step, name)), "fraction") for name in widest)] for step in chosen
    ]
    return [Text(f"By step, the coverage of {_told(widest)}:"), Table([Column("step"), *map(Column, widest)], [shown])]


def _by_fold(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return the coverage of the widest interval of each series, by fold."""
    widest = _widest(rows)
    own = [row for row in rows if row["fold"] is not None and row["nominal"] == widest[row["series"]]]
    folds = sorted({row["fold"] for row in own})
    if len(folds) < 2:
        return []
    at = {(row["fold"], row["series"]): row["coverage"] for row in own}
    shown = [[Cell(str(fold)), *(_number(at.get((fold, name)), "fraction") for name in widest)] for fold in folds]
    return [Text(f"By fold, the coverage of {_told(widest)}:"), Table([Column("fold"), *map(Column, widest)], [shown])]
