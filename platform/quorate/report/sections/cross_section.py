"""How well forecasts rank the symbols of a bar, where there are several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from quorate.errors import StoreError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Lines, Section, Table, Text, Tone
from quorate.report.sections.steps import some_of, traded_step

SIZE = 0.05  # of the test, from which on a mean is told from chance
BUCKETS = ("Q1", "Q2", "Q3", "Q4", "Q5")


def cross_section(report: Report, part: str) -> Section | None:
    """Return how each series ranks the symbols of a bar, and what its highest and lowest forecasts came to."""
    found: Sequence[Mapping[str, Any]] = report.results[part].get("cross_section") or ()
    if not found:
        return None
    traded = traded_step(report, part)
    own = [row for row in found if row["step"] == traded]
    blocks: list[Block] = [_coefficients(own)]
    blocks += [_buckets(spread)] if (spread := [row for row in own if row["buckets"]]) else []
    blocks += _by_step(found, traded)
    blocks += _by_year(report, part, own[0]["series"])
    sentence = (
        f"How the forecasts of the {said_of(part)} ranked the symbols of each bar, beside the order in which they "
        "came: 1 is the same order, 0 is none of it."
    )
    return Section("cross-section", "Cross-section", sentence, blocks, part)


def _number(value: float | None, unit: str, tone: Tone = "") -> Cell:
    return Cell(figure(value, unit), value, tone)


def _plain(value: float) -> Cell:
    """Return a number of labels, whose unit is the label's own."""
    return Cell(f"{value:.3g}", value)


def _tone(row: Mapping[str, Any]) -> Tone:
    if row["p_value"] is None or row["p_value"] >= SIZE:
        return ""
    return "good" if row["ic"] > 0 else "bad"


def _coefficients(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("series", "left"), Column("IC"), Column("IC low", keep=1), Column("ICIR", keep=2), Column("t"),
        Column("p-value", keep=1), Column("positive", keep=2), Column("bars", keep=3),
    ]  # fmt: skip
    shown = [
        [
            Cell(row["series"]),
            _number(row["ic"], "ratio3", _tone(row)),
            _number(row["low"], "ratio3"),
            _number(row["icir"], "ratio"),
            _number(row["t"], "ratio"),
            _number(row["p_value"], "p-value"),
            _number(row["positive"], "fraction"),
            _number(row["bars"], "count"),
        ]
        for row in rows
    ]
    return Table(columns, [shown], "rank correlation across symbols, mean over bars")


def _buckets(rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = [
        Column("series", "left"), *(Column(name, keep=2 if 0 < k < 4 else 0) for k, name in enumerate(BUCKETS)),
        Column("spread"), Column("spread t", keep=1),
    ]  # fmt: skip
    shown = [
        [
            Cell(row["series"]),
            *(_plain(value) for value in (*row["buckets"], row["spread"])),
            _number(row["spread_t"], "ratio"),
        ]
        for row in rows
    ]
    return Table(columns, [shown], "mean label of each fifth of a bar's forecasts")


def _by_step(rows: Sequence[Mapping[str, Any]], traded: int) -> list[Block]:
    """Return the mean rank correlation of each member by some of its steps."""
    names = list(dict.fromkeys(row["series"] for row in rows if row["step"] != traded))
    if not names:
        return []
    at = {(row["step"], row["series"]): row["ic"] for row in rows}
    shown = [
        [_number(step, "count"), *(_number(at.get((step, name)), "ratio3") for name in names)]
        for step in some_of(sorted({row["step"] for row in rows}), traded)
    ]
    return [
        Text("By step, the rank correlation of each member:"),
        Table([Column("step"), *map(Column, names)], [shown]),
    ]


def _by_year(report: Report, part: str, name: str) -> list[Block]:
    """Return the rank correlation of the judged series by year, and its sum through time; nothing without tables."""
    try:
        found = report.rows(part, "ic", ["time", "series", "ic"])
    except (StoreError, KeyError):
        return []
    pairs = sorted((time, ic) for time, series, ic in found if series == name)
    years: dict[int, list[float]] = {}
    for time, ic in pairs:
        years.setdefault(time.year, []).append(ic)
    shown = [
        [
            Cell(str(year), year),
            _number(sum(own) / len(own), "ratio3"),
            _number(sum(ic > 0 for ic in own) / len(own), "fraction"),
            _number(len(own), "count"),
        ]
        for year, own in years.items()
    ]
    columns = [Column("year", "left"), Column("IC"), Column("positive"), Column("bars")]
    blocks: list[Block] = [Table(columns, [shown], f"{name} by year")]
    if len(pairs) > 1:
        sums = [value if math.isfinite(value) else 0.0 for value in accumulate(ic for _, ic in pairs)]
        blocks.append(Lines("sum of the rank correlations", [time for time, _ in pairs], {name: sums}, "ratio"))
    return blocks
