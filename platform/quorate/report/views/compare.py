"""Runs beside each other: a sentence, then metrics, gates that flip, and what differs in their recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.figures import figure
from quorate.report.html import page
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Facts, Lines, Section, Table, Text
from quorate.report.terminal import show

FRACTIONS = (
    *("total-return", "cagr", "volatility", "max-drawdown", "value-at-risk-95", "value-at-risk-99", "alpha"),
    *("expected-shortfall-95", "expected-shortfall-99", "win-rate", "win-rate-low", "expectancy", "exposure"),
    *("accuracy", "direction-accuracy", "direction-accuracy-price", "precision", "recall", "pct-mae", "pct-naive"),
)


def sentence(
    a: str, b: str, metrics: Sequence[Mapping[str, Any]], data: Mapping[str, Any], equal: bool, confidence: float
) -> str:
    """Return which of two earned more for its risk, and whether that is more than chance."""
    where = "" if data["same"] else f" on the {plural(data['bars'], 'bar')} that both have"
    found = {row["metric"]: row for row in metrics}.get("sharpe", {"a": None, "b": None})
    if equal:
        told = "" if found["a"] is None else f" (Sharpe {found['a']:.2f})"
        return f"{b} earned the same as {a} on every bar{where}{told}."
    lacking = [name for name, value in ((a, found["a"]), (b, found["b"])) if value is None]
    if lacking:
        verb = "has" if len(lacking) == 1 else "have"
        return f"{b} cannot be compared with {a} by its Sharpe ratio: {' and '.join(lacking)} {verb} none{where}."
    low, high, difference = found["low"], found["high"], found["difference"]
    how = "as much" if difference == 0 else "more" if difference > 0 else "less"
    than = "as" if difference == 0 else "than"
    lead = f"{b} earned {how} for its risk {than} {a}{where} (Sharpe {found['b']:.2f} against {found['a']:.2f})"
    if low is None:
        return f"{lead}; how much of that is chance is not known."
    told = f"({confidence:.0%} CI {low:+.2f} to {high:+.2f})"
    if low <= 0 <= high:
        return f"{lead}, but the difference is within chance {told}."
    return f"{lead}, and the difference is more than chance explains {told}."


def sections(document: Mapping[str, Any], growth: Lines | None = None) -> list[Section]:
    """Return what a comparison says, as every rendering shows it.

    Parameters
    ----------
    document : mapping
        That of a `quorate.Comparison`.
    growth : Lines, optional
        What became of 1 in each run.
    """
    first, several = document["runs"][0], len(document["comparisons"]) > 1
    blocks: list[Block] = [Text(one["sentence"], "strong") for one in document["comparisons"]]
    blocks.append(Facts([(run["letter"], _run(run)) for run in document["runs"]]))
    if growth is not None:
        blocks.append(growth)
    if several and all(one["data"]["same"] for one in document["comparisons"]):
        blocks.append(_side_by_side(document))
    told = f"Compared on the {said_of(document['part'])}, by the judged series of each."
    letters = " beside ".join(run["letter"] for run in document["runs"])
    found = [Section("runs", f"Runs {letters}", told, blocks)]
    return [*found, *(_one(one, first["letter"], document["resampling"]) for one in document["comparisons"])]


def render(document: Mapping[str, Any], growth: Lines | None = None) -> None:
    """Print a comparison."""
    target = console.out()
    for section in sections(document, growth):
        show(section, target)


def as_html(document: Mapping[str, Any], growth: Lines | None = None, static: bool = False) -> str:
    """Return a comparison as one page."""
    return page(f"Comparison of {plural(len(document['runs']), 'run')}", sections(document, growth), static)


def _run(run: Mapping[str, Any]) -> str:
    return f"{run['name']}: {run['verdict']}, {run['series']}, {run['run']}"


def _one(one: Mapping[str, Any], a: str, how: Mapping[str, Any]) -> Section:
    b, data = one["letter"], one["data"]
    blocks: list[Block] = [Text(f"differs: {told}", "warn") for told in data["differs"]]
    blocks.append(_metrics(one["metrics"], a, b, how["confidence"]))
    if one["left_out"]:
        blocks.append(Text(f"left out, as they are of other bars: {', '.join(one['left_out'])}"))
    block = "" if data["block"] is None else f", mean block {data['block']:.1f}"
    ci = f"CI: {how['draws']:,} draws of the same {plural(data['bars'] - 1, 'bar')} of both{block}; "
    blocks.append(Text(f"{ci}it does not count how many runs were tried", "faint"))
    blocks += [*_gates(one["gates"], a, b, data["same"]), *_recipe(one["recipe"], a, b)]
    same = "The same bars and span" if data["same"] else "Not the same data"
    sentence = f"{same}: {plural(data['bars'], 'bar')}, {data['first']}..{data['last']}."
    return Section(f"{b}-beside-{a}", f"{b} beside {a}", sentence, blocks)


def _metrics(rows: Sequence[Mapping[str, Any]], a: str, b: str, confidence: float) -> Table:
    columns = [
        Column("metric", "left"),
        Column(a, keep=1),
        Column(b),
        Column(f"{b} - {a}", keep=1),
        Column(f"{confidence:.0%} CI", keep=2),
    ]
    cells = [
        [
            Cell(row["metric"]),
            *(Cell(shown(row["metric"], row[side]), row[side]) for side in ("a", "b")),
            Cell(shown(row["metric"], row["difference"], "+"), row["difference"]),
            Cell(_interval(row)),
        ]
        for row in rows
    ]
    return Table(columns, [cells])


def _interval(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return ""
    return f"{shown(row['metric'], row['low'], '+')} to {shown(row['metric'], row['high'], '+')}"


def _side_by_side(document: Mapping[str, Any]) -> Table:
    """Return the metrics of several runs on the same bars."""
    first, *others = document["runs"]
    values = {first["letter"]: {row["metric"]: row["a"] for row in document["comparisons"][0]["metrics"]}}
    for run, one in zip(others, document["comparisons"], strict=True):
        values[run["letter"]] = {row["metric"]: row["b"] for row in one["metrics"]}
    names = dict.fromkeys(name for column in values.values() for name in column)
    rows = [
        [Cell(name), *(Cell(shown(name, known.get(name)), known.get(name)) for known in values.values())]
        for name in names
    ]
    # The first ones have room everywhere; the others need a wider terminal each.
    columns = [Column(letter, keep=max(place - 1, 0)) for place, letter in enumerate(values)]
    return Table([Column("metric", "left"), *columns], [rows])


def _gates(gates: Sequence[Mapping[str, Any]], a: str, b: str, same: bool) -> list[Block]:
    flips = [gate for gate in gates if gate["flips"]]
    rows = [(gate["gate"], f"{_judged(gate, 'a')} -> {_judged(gate, 'b')}") for gate in flips]
    for side, name in (("a", a), ("b", b)):
        other = "b" if side == "a" else "a"
        rows += [(gate["gate"], f"of {name} alone: {_judged(gate, side)}") for gate in gates if gate[other] is None]
    where = "" if same else ", judged each on its own bars"
    told = Text(f"gates that flip from {a} to {b}{where}: {len(flips) or 'none'}", "strong")
    return [told, Facts(rows)] if rows else [told]


def _judged(gate: Mapping[str, Any], side: str) -> str:
    value = gate[f"{side}_value"]
    return str(gate[side]) + ("" if value is None else f" ({figure(value, gate['unit'])})")


def _recipe(rows: Sequence[Mapping[str, Any]], a: str, b: str) -> list[Block]:
    told = Text(f"recipe, {a} -> {b}: {plural(len(rows), 'difference') if rows else 'no difference'}", "strong")
    facts = Facts([(row["key"], f"{_value(row['a'])} -> {_value(row['b'])}") for row in rows])
    return [told, facts] if rows else [told]


def _value(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def shown(metric: str, value: float | None, sign: str = "") -> str:
    """Return a metric as it is read: a fraction as a percentage, what is large without decimals."""
    if value is None:
        return "-"
    if value == 0:
        return "0%" if metric in FRACTIONS else "0"
    if metric in FRACTIONS:
        return f"{value:{sign}.1%}" if abs(value) >= 0.1 else f"{value:{sign}.2%}"
    if float(value).is_integer() or abs(value) >= 1000:
        return f"{value:{sign},.0f}"
    return f"{value:{sign}.2f}" if abs(value) >= 0.1 else f"{value:{sign}.2g}"
