"""Runs beside each other: a sentence, then metrics, gates that flip, and what differs in their recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.figures import figure

NARROW, MIDDLE, WIDE = 40, 56, 72
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


def render(document: Mapping[str, Any]) -> None:
    """Print a comparison; `document` is that of a `Comparison`."""
    target, (first, *_) = console.out(), document["runs"]
    for one in document["comparisons"]:
        target.print(console.escape(one["sentence"]), style="bold")
    target.print()
    target.print(console.facts([(run["letter"], _run(run)) for run in document["runs"]]))
    target.print(f"compared: the {document['part']}, by the judged series of each", markup=False)
    if len(document["comparisons"]) > 1 and all(one["data"]["same"] for one in document["comparisons"]):
        _side_by_side(document, target)
    for one in document["comparisons"]:
        _one(one, first, target, document["resampling"])


def _run(run: Mapping[str, Any]) -> str:
    return f"{run['name']}: {run['verdict']}, {run['series']}, {run['run']}"


def _one(one: Mapping[str, Any], first: Mapping[str, Any], target: console.Console, how: Mapping[str, Any]) -> None:
    a, b, data = first["letter"], one["letter"], one["data"]
    target.print()
    same = "the same bars and span" if data["same"] else "not the same data"
    target.print(f"[bold]{b} beside {a}[/bold]  {same}: {plural(data['bars'], 'bar')}, {data['first']}..{data['last']}")
    for told in data["differs"]:
        target.print(f"[yellow]differs[/yellow] {console.escape(told)}")
    target.print(_metrics(one["metrics"], a, b, target.width, how["confidence"]))
    if one["left_out"]:
        target.print(f"left out, as they are of other bars: {', '.join(one['left_out'])}", markup=False)
    if target.width >= WIDE:
        block = "" if data["block"] is None else f", mean block {data['block']:.1f}"
        target.print(
            f"CI: {how['draws']:,} draws of the same {plural(data['bars'] - 1, 'bar')} of both{block}; "
            "it does not count how many runs were tried",
            style="bright_black",
            markup=False,
        )
    if not data["same"]:
        target.print("gates judged each on its own bars:", markup=False)
    _gates(one["gates"], a, b, target)
    _recipe(one["recipe"], a, b, target)


def _metrics(rows: Sequence[Mapping[str, Any]], a: str, b: str, width: int, confidence: float) -> Any:
    columns: list[console.Column] = [
        ("metric", "left", 0, lambda row: row["metric"]),
        (a, "right", NARROW, lambda row: shown(row["metric"], row["a"])),
        (b, "right", 0, lambda row: shown(row["metric"], row["b"])),
        (f"{b} - {a}", "right", MIDDLE, lambda row: shown(row["metric"], row["difference"], "+")),
        (f"{confidence:.0%} CI", "right", WIDE, _interval),
    ]
    return console.listing(columns, [rows], width)


def _interval(row: Mapping[str, Any]) -> str:
    if row["low"] is None:
        return ""
    return f"{shown(row['metric'], row['low'], '+')} to {shown(row['metric'], row['high'], '+')}"


def _side_by_side(document: Mapping[str, Any], target: console.Console) -> None:
    """Print the metrics of several runs on the same bars, as many of them as there is room for."""
    first, *others = document["runs"]
    values = {first["letter"]: {row["metric"]: row["a"] for row in document["comparisons"][0]["metrics"]}}
    for run, one in zip(others, document["comparisons"], strict=True):
        values[run["letter"]] = {row["metric"]: row["b"] for row in one["metrics"]}
    names = dict.fromkeys(name for column in values.values() for name in column)
    letters = [*values][: max((target.width - 25) // 10, 1)]
    rows = [[name, *(shown(name, values[letter].get(name)) for letter in letters)] for name in names]
    target.print(console.table([("metric", "left"), *((letter, "right") for letter in letters)], [rows]))


def _gates(gates: Sequence[Mapping[str, Any]], a: str, b: str, target: console.Console) -> None:
    flips = [gate for gate in gates if gate["flips"]]
    rows = [(gate["gate"], f"{_judged(gate, 'a')} -> {_judged(gate, 'b')}") for gate in flips]
    for side, name in (("a", a), ("b", b)):
        other = "b" if side == "a" else "a"
        rows += [(gate["gate"], f"of {name} alone: {_judged(gate, side)}") for gate in gates if gate[other] is None]
    target.print(f"gates that flip from {a} to {b}: {len(flips) or 'none'}", style="bold", markup=False)
    if rows:
        target.print(console.facts(rows))


def _judged(gate: Mapping[str, Any], side: str) -> str:
    value = gate[f"{side}_value"]
    return str(gate[side]) + ("" if value is None else f" ({figure(value, gate['unit'])})")


def _recipe(rows: Sequence[Mapping[str, Any]], a: str, b: str, target: console.Console) -> None:
    target.print(f"recipe, {a} -> {b}: {plural(len(rows), 'difference') if rows else 'no difference'}", style="bold")
    if rows:
        target.print(console.facts([(row["key"], f"{_value(row['a'])} -> {_value(row['b'])}") for row in rows]))


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
