"""What was earned beside the user's own benchmark and factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text, Tone

Row = Mapping[str, Any]


def factors(report: Report, part: str) -> Section | None:
    """Return what was earned beside the recipe's benchmark and factors; None, where it has neither."""
    found = report.results[part]
    benchmark, model = found.get("benchmark"), found.get("factors")
    if not benchmark and not model:
        return None
    blocks = [*(_benchmark(benchmark) if benchmark else []), *(_factors(model) if model else [])]
    beside = " and ".join(
        [*([benchmark["name"]] if benchmark else []), *(["the factors of the recipe"] if model else [])]
    )
    sentence = (
        f"What was earned on the {said_of(part)} beside {beside}, over the same closes. Intervals are of 90 %; alpha, "
        "return and deviation are annual."
    )
    return Section("factors", "Benchmark and factors", sentence, blocks, part)


def _benchmark(told: Row) -> list[Block]:
    blocks: list[Block] = [_periods(f"Beside {told['name']}", told)]
    rows: Sequence[Row] = told["series"]
    if not rows:
        return blocks
    columns = [
        Column("series", "left"), Column("active"), Column("active CI", keep=1), Column("TE", keep=4),
        Column("IR", keep=2), Column("beta", keep=3), Column("up capture", keep=5), Column("down capture", keep=5),
        Column("max DD", keep=6), Column("correlation", keep=7),
    ]  # fmt: skip
    shown = [
        [
            Cell(row["series"]),
            _signed(row, "active"),
            _between(row, "active", "fraction"),
            _number(row, "tracking_error", "fraction"),
            _number(row, "information_ratio", "ratio"),
            _number(row, "beta", "ratio"),
            _number(row, "up_capture", "ratio"),
            _number(row, "down_capture", "ratio"),
            _number(row, "max_drawdown", "fraction"),
            _number(row, "correlation", "ratio"),
        ]
        for row in rows
    ]
    growth, fall = (figure(told[name], "fraction") for name in ("cagr", "max_drawdown"))
    own = Text(f"{told['name']} itself: it grew by {growth} a year, deepest fall {fall}.")
    return [*blocks, Table(columns, [shown]), own]


def _factors(told: Row) -> list[Block]:
    names = ", ".join(told["names"])
    less = f", what was earned less {told['rate']}" if told["rate"] else ""
    blocks: list[Block] = [_periods(f"Beside the factors {names}{less}", told)]
    rows: Sequence[Row] = told["series"]
    if not rows:
        return blocks
    columns = [
        Column("series", "left"), Column("alpha"), Column("alpha CI", keep=2), Column("p-value", keep=1),
        Column("R2", keep=3), Column("residual", keep=5), Column("IR", keep=4),
    ]  # fmt: skip
    left = [
        [
            Cell(row["series"]),
            _signed(row, "alpha"),
            _between(row, "alpha", "fraction"),
            _number(row, "p_value", "p-value"),
            _number(row, "r_squared", "fraction"),
            _number(row, "residual", "fraction"),
            _number(row, "appraisal", "ratio"),
        ]
        for row in rows
    ]
    betas = [
        [
            Cell(row["series"]),
            Cell(one["factor"]),
            _number(one, "beta", "ratio"),
            _between(one, "beta", "ratio"),
            _number(one, "p_value", "p-value"),
        ]
        for row in rows
        for one in row["betas"]
    ]
    of_betas = [
        Column("series", "left"), Column("factor", "left"), Column("beta"), Column("beta CI", keep=1),
        Column("p-value", keep=2),
    ]  # fmt: skip
    return [*blocks, Table(columns, [left]), Table(of_betas, [betas])]


def _periods(what: str, told: Row) -> Text:
    """Return over which periods something is told, and which bars lie in none."""
    left = told["left_out"]
    out = f"; {plural(left, 'bar')} of {left + told['bars']:,} {'is' if left == 1 else 'are'} left out" if left else ""
    if reason := told.get("reason"):
        return Text(f"{what}: nothing is told: {reason}{out}.", "warn")
    each = plural(told["periods"], "bar" if told["periods"] == told["bars"] else "period")
    longer = "" if told["periods"] == told["bars"] else f" of {told['bars']:,} bars"
    tone: Tone = "warn" if left > 0.05 * (left + told["bars"]) else ""
    return Text(f"{what}: {each}{longer}, {told['first']}..{told['last']}{out}.", tone)


def _number(row: Row, name: str, unit: str) -> Cell:
    return Cell(figure(row[name], unit), row[name])


def _signed(row: Row, name: str) -> Cell:
    """Return a figure that is bad where all of its interval is below zero, and good where all is above."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    tone: Tone = "bad" if high is not None and high < 0 else "good" if low is not None and low > 0 else ""
    return Cell(figure(row[name], "fraction"), row[name], tone)


def _between(row: Row, name: str, unit: str) -> Cell:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return Cell("-" if low is None else f"{figure(low, unit)} to {figure(high, unit)}")
