"""Whether what was earned is of all times, and what is left later, at worse prices, and with more capital."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text

SIZE = 0.05  # of the test of a break, from which on it is told as one
UNKNOWN = "not known"
TITLES = {
    "volatility": "By the market's volatility of late, in thirds of all that it was before:",
    "trend": "By the market's price, above or below its trailing mean:",
    "year": "By year:",
}
LADDERS = {
    "lag": ("lag", "Filled later, by bars from a decision to its fill:"),
    "slippage": ("added slippage", "At worse prices, by basis points per side on top of the recipe's:"),
}
Row = Mapping[str, Any]


def regimes(report: Report, part: str) -> Section | None:
    """Return what was earned in each regime, by buy and hold beside it; None in reports made before it was told."""
    found = report.results[part]
    rows: Sequence[Row] = found.get("regimes") or ()
    if not rows:
        return None
    held = {(row["kind"], row["regime"]): row for row in rows if row["series"].startswith("buy-and-hold/")}
    own = [row for row in rows if not row["series"].startswith("buy-and-hold/")]
    blocks: list[Block] = []
    for kind, title in TITLES.items():
        blocks += [Text(title), _by([(row, held[kind, row["regime"]]) for row in own if row["kind"] == kind])]
    blocks.append(_break(found["mean_break"]))
    sentence = (
        f"What {own[0]['series']} earned on the {said_of(part)} in calm and in wild times of the market, in rising and "
        "in falling ones, and year by year. A bar's regime is what was known at the close before it."
    )
    return Section("regimes", "Regimes", sentence, blocks, part)


def _by(rows: Sequence[tuple[Row, Row]]) -> Table:
    columns = [
        Column("regime", "left"), Column("bars", keep=2), Column("return"), Column("Sharpe"),
        Column("Sharpe CI", keep=3), Column("max DD", keep=1), Column("share of gain", keep=4),
        Column("held return", keep=3), Column("held Sharpe", keep=1), Column("held max DD", keep=5),
    ]  # fmt: skip
    shown = []
    for own, held in rows:
        low, high = own["sharpe_low"], own["sharpe_high"]
        interval = "-" if low is None else f"{figure(low, 'ratio')} to {figure(high, 'ratio')}"
        shown.append(
            [
                Cell(own["regime"] or UNKNOWN, tone="" if own["regime"] else "faint"),
                Cell(figure(own["bars"], "count"), own["bars"]),
                _number(own, "total_return", "fraction"),
                _number(own, "sharpe", "ratio"),
                Cell(interval, tone="bad" if high is not None and high < 0 else ""),
                _number(own, "max_drawdown", "fraction"),
                _number(own, "share", "fraction"),
                _number(held, "total_return", "fraction"),
                _number(held, "sharpe", "ratio"),
                _number(held, "max_drawdown", "fraction"),
            ]
        )
    return Table(columns, [shown])


def _number(row: Row, name: str, unit: str) -> Cell:
    return Cell(figure(row[name], unit), row[name])


def _break(found: Row) -> Text:
    """Return in words whether the mean return changed."""
    p = found["p_value"]
    if p is None:
        return Text(f"Whether its mean return changed cannot be told from {found['bars']:,} bars.", "faint")
    told = f"p {figure(p, 'p-value')}, OLS-CUSUM"
    if p >= SIZE:
        return Text(f"Its mean return did not change beyond chance ({told}).")
    before, after = (figure(found[name], "fraction") for name in ("before", "after"))
    text = f"Its mean return changed about {found['day']}: {before} a year before, {after} from then on ({told})."
    return Text(text, "warn" if found["after"] < found["before"] else "")


def robustness(report: Report, part: str) -> Section | None:
    """Return what the same decisions earn later, dearer, and with other capital; None in reports made before that."""
    found = report.results[part]
    rows: Sequence[Row] = found.get("ladders") or ()
    if not rows:
        return None
    blocks: list[Block] = []
    for ladder, (heading, title) in LADDERS.items():
        columns = [Column(heading), Column("Sharpe"), Column("return")]
        shown = [
            [
                Cell(figure(row["step"], "count"), row["step"]),
                _number(row, "sharpe", "ratio"),
                _number(row, "total_return", "fraction"),
            ]
            for row in rows
            if row["ladder"] == ladder
        ]
        blocks += [Text(title), Table(columns, [shown])]
    sentence = (
        f"What the same decisions would have earned on the {said_of(part)}, filled later or at worse prices; the first "
        "line of each is what was traded."
    )
    own = float(report.provenance["recipe"]["backtest"]["capital"])
    blocks += _capital([row for row in rows if row["ladder"] == "capital"], found.get("capacity") or (), own)
    return Section("robustness", "Robustness", sentence, blocks, part)


def _capital(rows: Sequence[Row], levels: Sequence[Row], own: float) -> list[Block]:
    """Return what was earned with each capital, and how much is borne; nothing, where the size of orders is free."""
    if not rows:
        return []
    columns = [
        Column("capital"), Column("Sharpe"), Column("CAGR"), Column("impact"), Column("share of day", keep=1),
    ]  # fmt: skip
    shown = [
        [
            Cell(figure(row["step"], "count"), row["step"], "strong" if row["step"] == own else ""),
            _number(row, "sharpe", "ratio"),
            _number(row, "cagr", "fraction"),
            _number(row, "impact_bp", "bars"),
            _number(row, "largest_share", "fraction"),
        ]
        for row in rows
    ]
    title = f"With other capital than {figure(own, 'count')}, as large orders move prices; impact in basis points:"
    return [Text(title), Table(columns, [shown]), Text(" ".join(_borne(level) for level in levels))]


def _borne(level: Row) -> str:
    """Return in a sentence how much capital a level of the Sharpe ratio bears."""
    at_none, ratio = (figure(level[name], "ratio") for name in ("at_none", "sharpe"))
    half = level["level"] == "half"
    if level["reached"] == "never":
        little = f"with next to no capital the Sharpe ratio is {at_none}"
        return (
            f"There is no capacity: {little}, no gain that could be halved."
            if half
            else f"The bound of the gate sharpe, {ratio}, is not reached with any capital."
        )
    about = "above" if level["reached"] == "above" else "about"
    capital = f"{about} {figure(_rounded(level['capital']), 'count')}"
    if half:
        return f"Capacity: the Sharpe ratio is {at_none} with next to no capital, and half of that with {capital}."
    return f"It falls to {ratio}, the bound of the gate sharpe, with {capital}."


def _rounded(value: float) -> float:
    """Return a number to two digits: no more of it are known."""
    return float(f"{value:.2g}")
