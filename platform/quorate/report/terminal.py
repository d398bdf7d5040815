"""The report in a terminal, for any width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from quorate.console import Console

from quorate import console
from quorate.errors import QuorateError
from quorate.report.model import Report

BLOCKS, ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
NARROW, WIDE = 80, 112
PASSING = ("FAIL", "INSUFFICIENT", "PASS")


def render(report: Report, target: Console) -> None:
    """Print the report."""
    _head(report, target)
    for name in ("development", "holdout"):
        if report.results[name]:
            _part(report, name, target)
    _foot(report, target)


def render_gates(report: Report, target: Console) -> None:
    """Print the gates alone, worst first."""
    for name in ("development", "holdout"):
        part = report.results[name]
        if part:
            target.print(f"[bold]{name.upper()}[/bold]  ", console.verdict_text(part["verdict"]), f"  {report.run_id}", sep="")
            target.print(_gates(part["gates"], target.width))


def _head(report: Report, target: Console) -> None:
    data, holdout = report.provenance["data"], report.provenance["holdout"]
    recipe = report.provenance["recipe"]
    symbols = ", ".join(data["symbols"][:4]) + (f" and {len(data['symbols']) - 4} more" if len(data["symbols"]) > 4 else "")
    target.print(f"[bold]{recipe['name']}[/bold]  {recipe.get('description', '')}", style="default")
    rows = [
        ("run", report.run_id),
        ("data", f"{symbols}: {data['bars']:,} x {data['frequency']}, {data['first']}..{data['last']}, {data['fingerprint'][:8]}"),
        ("market", _market(data["market"])),
        ("holdout", _holdout_line(holdout)),
        ("costs", f"fees {recipe['costs']['fees']:.2%} and slippage {recipe['costs']['slippage']:.2%} per side, filled at the "
                  f"next bar's {recipe['backtest']['fill']}; {data['bars_per_year']:g} bars a year"),
    ]  # fmt: skip
    for key, text in rows:
        target.print(f"[bright_black]{key:<9}[/bright_black]{text}")
    if report.results["holdout"]:
        target.print("[bright_black]promotion[/bright_black] ", console.verdict_text(report.verdict), sep="")


def _market(m: Mapping[str, Any]) -> str:
    return (
        f"close to close, gross, {m['first']}..{m['last']}: Sharpe {_ratio(m['sharpe'], 4)}, "
        f"max drawdown {_percent(m['max-drawdown'], 2)}, CAGR {_percent(m['cagr'], 2)}"
    )


def _holdout_line(holdout: Mapping[str, Any]) -> str:
    if holdout["start"] is None and not holdout.get("opened"):
        return "none"
    if not holdout.get("opened"):
        return f"closed, from {holdout['start']}"
    n = holdout["recipes_that_opened_it"]
    return f"opened {holdout['opened'][:10]}, from {holdout['start']}; {n} recipe{'s' * (n != 1)} opened it on this data"


def _part(report: Report, name: str, target: Console) -> None:
    part = report.results[name]
    span, verdicts = part["span"], [gate["verdict"] for gate in part["gates"]]
    judged = part["series"][0]
    counts = ", ".join(f"{verdicts.count(v)} {word}" for v, word in zip(PASSING, ("failed", "insufficient", "passed"), strict=True))
    target.print()
    target.print(f"[bold]{name.upper()}[/bold]  ", console.verdict_text(part["verdict"]), f"  {counts}", sep="")
    target.print(
        f"{judged['name']} ensemble, {judged['strategy']}, {span['first']}..{span['last']} "
        f"({span['bars']:,} bars, {len(part['folds'])} folds, {part['rows']['features']} features)"
    )
    target.print(_gates(part["gates"], target.width))
    target.print(_series(part, target.width))
    _curve(report, name, judged, target)
    target.print(_folds(part["folds"], target.width))
    for warning in part["warnings"]:
        target.print(f"[yellow]warning[/yellow] {warning}")


def _gates(gates: Sequence[Mapping[str, Any]], width: int) -> Any:
    columns = [("verdict", "left"), ("gate", "left"), ("value", "right"), ("must be", "right"), ("margin", "right")]
    if width >= NARROW:
        columns += [("buy & hold", "right")]
    if width >= WIDE:
        columns += [("uncertainty", "left"), ("sample", "left")]
    rows = []
    for g in gates:
        show = _SHOW[g["unit"]]
        row = [console.verdict_text(g["verdict"], short=True), g["gate"], show(g["value"]),
               f"{g['condition']} {show(g['threshold'])}", _signed(g["margin"], g["unit"])]  # fmt: skip
        if width >= NARROW:
            row.append(show(g["benchmark"]))
        if width >= WIDE:
            row += [g["uncertainty"], g["sample"] if g["value"] is not None else g["reason"]]
        rows.append(row)
    return console.table(columns, rows)


_SERIES = (
    ("Sharpe", "sharpe", "ratio", 0),
    ("max DD", "max-drawdown", "fraction", 0),
    ("win rate", "win-rate", "fraction", 0),
    ("trades", "closed-trades", "count", 0),
    ("return", "total-return", "fraction", NARROW),
    ("CAGR", "cagr", "fraction", WIDE),
    ("exposure", "exposure", "fraction", WIDE),
    ("turnover", "turnover", "ratio", WIDE),
    ("accuracy", "accuracy", "fraction", NARROW),
    ("AUC", "auc", "ratio3", WIDE),
)


def _series(part: Mapping[str, Any], width: int) -> Any:
    shown = [c for c in _SERIES if width >= c[3]]
    columns = [("series", "left"), *([("role", "left")] if width >= NARROW else []), ("trades as", "left")]
    columns += [(heading, "right") for heading, *_ in shown]
    rows = []
    for series in part["series"]:
        row = [series["name"], *([series["role"]] if width >= NARROW else []), series["strategy"]]
        rows.append(row + [_SHOW[unit](series["metrics"].get(key)) for _, key, unit, _ in shown])
    market = part["market"]
    row = ["market", *(["gross"] if width >= NARROW else []), "close to close"]
    rows.append(row + [(_ratio(market[key], 4) if key == "sharpe" else _percent(market[key], 2)) if key in market else ""
                       for _, key, _, _ in shown])  # fmt: skip
    return console.table(columns, rows)


def _curve(report: Report, part: str, judged: Mapping[str, Any], target: Console) -> None:
    try:
        equity = report.equity
    except QuorateError:
        return
    equity = equity[equity["part"] == part]
    blocks = BLOCKS if target.encoding.lower().startswith("utf") else ASCII_BLOCKS
    curves = {"ensemble": f"{judged['name']}/{judged['strategy']}", "buy & hold": "buy-and-hold/hold"}
    values = {label: equity[column].to_numpy() for label, column in curves.items()}
    low, high = min(v.min() for v in values.values()), max(v.max() for v in values.values())
    target.print("equity, both on one logarithmic scale", style="bold")
    for label, value in values.items():
        line = sparkline(value, max(min(target.width - 26, 90), 10), low, high, blocks)
        target.print(f"{label:<11}{line} {value[-1]:>12,.0f}")
    target.print()


def sparkline(values: Any, width: int, low: float, high: float, blocks: str) -> str:
    """Return values as a line of characters, on a logarithmic scale from `low` to `high`."""
    chosen = np.asarray(values, dtype=np.float64)[np.linspace(0, len(values) - 1, min(width, len(values))).astype(int)]
    scale = np.log(high / low) if high > low > 0 else 1.0
    level = np.log(np.maximum(chosen, low) / low) / scale if low > 0 else np.zeros(len(chosen))
    return "".join(blocks[min(int(x * len(blocks)), len(blocks) - 1)] for x in level)


def _folds(folds: Sequence[Mapping[str, Any]], width: int) -> Any:
    columns = [("fold", "right"), ("trained to", "left"), ("rows", "right"), ("tested", "left"), ("threshold", "right")]
    if width >= NARROW:
        columns.append(("largest weights", "left"))
    rows = []
    for fold in folds:
        row = [str(fold["fold"]), fold["train_last"], f"{fold['train_rows']:,}", f"{fold['test_first']}..{fold['test_last']}",
               f"{fold['threshold']:g}"]  # fmt: skip
        if width >= NARROW:
            top = sorted(fold["weights"].items(), key=lambda item: -item[1])[: 5 if width >= WIDE else 2]
            equal = len({round(w, 12) for w in fold["weights"].values()}) == 1
            row.append("equal" if equal else ", ".join(f"{name} {weight:.0%}" for name, weight in top))
        rows.append(row)
    return console.table(columns, rows)


def _foot(report: Report, target: Console) -> None:
    telemetry = report.telemetry
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in telemetry["stages"].items() if seconds >= 0.05)
    target.print(
        f"[bright_black]{telemetry['fits']} fits, {sum(telemetry['fit_cpu_seconds'].values()):.1f} CPU s on {telemetry['executor']} "
        f"({telemetry['workers']} workers); {telemetry['seconds']:.1f} s in all: {stages}; "
        f"peak {telemetry['peak_memory_mib']:.0f} MiB[/bright_black]"
    )
    target.print(f"[bright_black]results {report.digest[:16]}; reproduce: quorate reproduce {report.run_id}[/bright_black]")


def _ratio(value: float | None, digits: int = 2) -> str:
    return "undefined" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, digits: int = 1) -> str:
    return "undefined" if value is None else f"{value:.{digits}%}"


def _count(value: float | None) -> str:
    return "undefined" if value is None else f"{value:,.0f}"


def _signed(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    text = _SHOW[unit](value)
    return text if text.startswith("-") else f"+{text}"


_SHOW: dict[str, Any] = {
    "ratio": _ratio,
    "ratio3": lambda v: "-" if v is None else f"{v:.3f}",
    "fraction": _percent,
    "count": _count,
    "currency": _count,
    "nats": lambda v: _ratio(v, 4),
}
