"""The report in a terminal, for any width."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from quorate.errors import QuorateError, plural
from quorate.report import console
from quorate.report.report import PARTS, Report
from quorate.report.views.symbols import MOST, symbols
from quorate.report.views.thresholds import GRID, thresholds
from quorate.report.words import paragraph

BLOCKS, ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.-=+*%#"
TINY, NARROW, WIDE = 56, 80, 112
PASSING = ("FAIL", "INSUFFICIENT", "PASS")


def render(report: Report, target: console.Console | None = None) -> None:
    """Print the report."""
    target = target or console.out()
    _head(report, target)
    for name in PARTS:
        if report.results[name]:
            _part(report, name, target)
    _foot(report, target)


def render_gates(report: Report, target: console.Console | None = None) -> None:
    """Print the gates alone, worst first."""
    target = target or console.out()
    for name in PARTS:
        if part := report.results[name]:
            target.print(
                f"[bold]{name.upper()}[/bold]  ", console.verdict_text(part["verdict"]), f"  {report.run_id}", sep=""
            )
            target.print(_gates(part["gates"], target.width))
            _reasons(part["gates"], target)
    _overridden(report, target)


def _head(report: Report, target: console.Console) -> None:
    data, holdout = report.provenance["data"], report.provenance["holdout"]
    recipe = report.provenance["recipe"]
    more = f" and {len(data['symbols']) - 4} more" if len(data["symbols"]) > 4 else ""
    bars = f"{data['bars']:,} x {data['frequency']}, {data['first']}..{data['last']}, {data['fingerprint'][:8]}"
    costs = _costs(recipe["costs"])
    fill = f"filled at the next bar's {recipe['backtest']['fill']}; {data['bars_per_year']:g} bars a year"
    target.print(f"[bold]{recipe['name']}[/bold]  {console.escape(recipe.get('description', ''))}")
    rows = [
        ("run", report.run_id),
        ("data", f"{', '.join(data['symbols'][:4])}{more}: {bars}"),
        ("market", _market(data["market"])),
        ("holdout", _holdout_line(holdout)),
        ("costs", f"{costs}, {fill}"),
    ]
    target.print(console.facts(rows))
    target.print()
    target.print(console.escape(paragraph(report)))
    _overridden(report, target)


def _overridden(report: Report, target: console.Console) -> None:
    if found := report.override:
        told = f"{found['time'][:10]}, used in spite of {found['verdict']}: {found['reason']}"
        target.print("[yellow]overridden[/yellow] " + console.escape(told))


def _costs(costs: Mapping[str, Any]) -> str:
    if costs.get("model", "fixed") == "fixed":
        return f"fees {costs['fees']:.2%} and slippage {costs['slippage']:.2%} per side"
    options = ", ".join(f"{name} {value}" for name, value in costs.items() if name != "model")
    return f"{costs['model']}{' with ' if options else ''}{options}"


def _market(m: Mapping[str, Any]) -> str:
    return (
        f"close to close, gross, {m['first']}..{m['last']}: Sharpe {console.figure(m['sharpe'], '.4f')}, "
        f"max drawdown {console.figure(m['max-drawdown'], '.2%')}, CAGR {console.figure(m['cagr'], '.2%')}"
    )


def _holdout_line(holdout: Mapping[str, Any]) -> str:
    if holdout["start"] is None and not holdout.get("opened"):
        return "none"
    if not holdout.get("opened"):
        return f"closed, from {holdout['start']}"
    count = console.plural(holdout["recipes_that_opened_it"], "recipe")
    return f"opened {holdout['opened'][:10]}, from {holdout['start']}; {count} opened it on this data"


def _part(report: Report, name: str, target: console.Console) -> None:
    part = report.results[name]
    span, verdicts = part["span"], [gate["verdict"] for gate in part["gates"] if gate.get("required", True)]
    judged = part["series"][0]
    counts = ", ".join(
        f"{verdicts.count(v)} {word}" for v, word in zip(PASSING, ("failed", "insufficient", "passed"), strict=True)
    )
    target.print()
    target.print(f"[bold]{name.upper()}[/bold]  ", console.verdict_text(part["verdict"]), f"  {counts}", sep="")
    counted = ((span["bars"], "bar"), (len(part["folds"]), "fold"), (part["rows"]["features"], "feature"))
    texts = part["rows"].get("categories", 0)
    told = [plural(*one) for one in counted] + ["1 category" if texts == 1 else f"{texts} categories"] * (texts > 0)
    target.print(
        f"{judged['name']} ensemble, {judged['strategy']}, {span['first']}..{span['last']} ({', '.join(told)})"
    )
    target.print(_gates(part["gates"], target.width))
    _reasons(part["gates"], target)
    target.print(_series(part, target.width))
    if rows := part.get("symbols"):
        target.print(symbols(rows, target.width))
        if len(rows) > MOST:
            target.print(f"and {len(rows) - MOST:,} more symbols: report --json has all\n")
    if members := part.get("members"):
        target.print(_gain(members))
    _curve(report, name, judged, target)
    _thresholds(report, name, target)
    target.print(_folds(part["folds"], target.width))
    for warning in part["warnings"]:
        target.print(f"[yellow]warning[/yellow] {console.escape(warning)}")


def _gates(gates: Sequence[Mapping[str, Any]], width: int) -> Any:
    columns: list[console.Column] = [
        ("verdict", "left", 0, lambda g: console.verdict_text(_word(g), short=True)),
        ("gate", "left", 0, lambda g: f"{g['tier']} {g['gate']}"),
        ("value", "right", 0, lambda g: _figure(g["value"], g["unit"])),
        ("must be", "right", 0, lambda g: f"{g['condition']} {_figure(g['threshold'], g['unit'])}"),
        ("margin", "right", TINY, lambda g: _signed(g["margin"], g["unit"])),
        ("buy & hold", "right", NARROW, lambda g: _figure(g["benchmark"], g["unit"])),
        ("uncertainty", "left", WIDE, itemgetter("uncertainty")),
        ("sample", "left", WIDE, itemgetter("sample")),
    ]
    return console.listing(columns, [gates], width)


def _word(gate: Mapping[str, Any]) -> str:
    """Return the verdict; what is missed without counting is a warning."""
    counts = gate.get("required", True) or gate["verdict"] == "PASS"
    return str(gate["verdict"]) if counts else "WARN"


def _reasons(gates: Sequence[Mapping[str, Any]], target: console.Console) -> None:
    """Tell what the table has no room for: the uncertainty, and why a gate did not pass."""
    rows = []
    for gate in gates:
        told = [] if target.width >= WIDE else [gate["uncertainty"], gate["sample"]]
        if gate["verdict"] != "PASS" and not gate["reason"].startswith("must be "):
            told.append(gate["reason"])
        if gate.get("warning", "") != gate["reason"]:
            told.append(gate.get("warning", ""))
        if any(told):
            rows.append((gate["gate"], ", ".join(text for text in told if text)))
    if rows:
        target.print(console.facts(rows))


def _gain(members: Mapping[str, Any]) -> str:
    """Return how alike the members are, and what their ensemble gained over the best of them."""
    gain, alike = members["gain"], members["mean-correlation"]
    told = console.plural(len(members["members"]), "member")
    told += "" if alike is None else f", mean correlation {alike:.2f}"
    if gain.get("gain") is None:
        return f"{told}\n"
    interval = "" if gain["low"] is None else f", 90% CI {gain['low']:+.2f} to {gain['high']:+.2f}"
    return f"{told}; Sharpe of the ensemble less that of {gain['best-member']}: {gain['gain']:+.2f}{interval}\n"


# heading, metric, how it reads, the least width of a terminal that shows it
_SERIES = (
    ("Sharpe", "sharpe", "ratio", 0),
    ("max DD", "max-drawdown", "fraction", 0),
    ("win rate", "win-rate", "fraction", 0),
    ("closed", "closed-trades", "count", NARROW),
    ("return", "total-return", "fraction", NARROW),
    ("CAGR", "cagr", "fraction", WIDE),
    ("exposure", "exposure", "fraction", WIDE),
    ("turnover", "turnover", "ratio", 132),
    ("accuracy", "accuracy", "fraction", WIDE),
    ("AUC", "auc", "ratio3", 122),
)
_GROUPS = (("ensemble", "alternative"), ("member",), ("baseline", "benchmark"))


def _series(part: Mapping[str, Any], width: int) -> Any:
    """Return the ensembles, the members, and what any of them must beat."""
    shown = [c for c in _SERIES if width >= c[3]]
    columns = [("series", "left"), *((heading, "right") for heading, *_ in shown)]
    groups = []
    for roles in _GROUPS:
        chosen = [s for s in part["series"] if s["role"] in roles]
        groups.append(
            [[_name(s), *(_figure(s["metrics"].get(key), unit) for _, key, unit, _ in shown)] for s in chosen]
        )
    market = part["market"]
    figures = {
        "sharpe": console.figure(market["sharpe"], ".4f"),
        "max-drawdown": console.figure(market["max-drawdown"], ".2%"),
        "total-return": console.figure(market["total-return"], ".1%"),
        "cagr": console.figure(market["cagr"], ".1%"),
    }
    groups[-1].append(["market, gross", *(figures.get(key, "") for _, key, _, _ in shown)])
    return console.table(columns, groups)


def _name(series: Mapping[str, Any]) -> str:
    if series["role"] in ("ensemble", "alternative"):
        return f"{series['name']}, {series['strategy']}"
    return str(series["name"])


def _curve(report: Report, part: str, judged: Mapping[str, Any], target: console.Console) -> None:
    curves = {"ensemble": f"{judged['name']}/{judged['strategy']}", "buy & hold": "buy-and-hold/hold"}
    try:
        rows = report.rows(part, "equity", [*curves.values()])
    except QuorateError:
        return
    blocks = BLOCKS if console.unicode(target) else ASCII_BLOCKS
    values = dict(zip(curves, zip(*rows, strict=True), strict=True))
    low, high = min(map(min, values.values())), max(map(max, values.values()))
    target.print("equity, both on one logarithmic scale", style="bold")
    for label, value in values.items():
        line = sparkline(value, max(min(target.width - 26, 90), 10), low, high, blocks)
        target.print(f"{label:<11}{line} {value[-1]:>12,.0f}")
    target.print()


def sparkline(values: Sequence[float], width: int, low: float, high: float, blocks: str) -> str:
    """Return values as a line of characters, on a logarithmic scale from `low` to `high`."""
    count = min(width, len(values))
    step = (len(values) - 1) / max(count - 1, 1)
    chosen = [values[int(i * step)] for i in range(count - 1)] + [values[-1 if count > 1 else 0]]
    scale = math.log(high / low) if high > low > 0 else 1.0
    levels = [math.log(max(value, low) / low) / scale if low > 0 else 0.0 for value in chosen]
    return "".join(blocks[min(int(level * len(blocks)), len(blocks) - 1)] for level in levels)


def _thresholds(report: Report, part: str, target: console.Console) -> None:
    try:
        rows = report.rows(part, "grid", GRID)
    except QuorateError:
        return
    if target.width >= WIDE and (table := thresholds(rows)):
        target.print(table)


def _folds(folds: Sequence[Mapping[str, Any]], width: int) -> Any:
    top_count = 4 if width >= WIDE else 2 if width >= 96 else 1
    columns: list[console.Column] = [
        ("fold", "right", 0, lambda fold: str(fold["fold"])),
        ("rows", "right", 0, lambda fold: f"{fold['train_rows']:,}"),
        ("tested", "right", 0, lambda fold: f"{fold['test_first']}..{fold['test_last']}"),
        ("threshold", "right", 0, lambda fold: f"{fold['threshold']:g}"),
        ("largest weights", "left", NARROW, lambda fold: _votes(fold["weights"], top_count)),
    ]
    return console.listing(columns, [folds], width)


def _votes(weights: Mapping[str, float | None], most: int) -> str:
    """Return the members that weigh most, against the others, too; a method may have no weights."""
    known = [(name, weight) for name, weight in weights.items() if weight]
    if len({round(w, 12) for w in weights.values() if w is not None}) == 1:
        return "equal"
    top = sorted(known, key=lambda item: -abs(item[1]))[:most]
    return ", ".join(f"{name} {weight:.0%}" for name, weight in top) or "none"


def _foot(report: Report, target: console.Console) -> None:
    telemetry = report.telemetry
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in telemetry["stages"].items() if seconds >= 0.05)
    cpu = sum(telemetry["fit_cpu_seconds"].values())
    for note, count in telemetry.get("fit_warnings", {}).items():
        target.print("[yellow]warning[/yellow] " + console.escape(f"{note} ({console.plural(count, 'fit')})"))
    place = f"{cpu:.1f} CPU s on {telemetry['executor']} ({plural(telemetry['workers'], 'worker')})"
    done = "all kept from before" if 0 < telemetry["fits"] == telemetry["cached"] else place
    target.print(
        f"[bright_black]{plural(telemetry['fits'], 'fit')}, {done}; {telemetry['seconds']:.1f} s in all: {stages}; "
        f"peak {telemetry['peak_memory_mib']:.0f} MiB[/bright_black]"
    )
    target.print(
        f"[bright_black]results {report.digest[:16]}; reproduce: quorate reproduce {report.run_id}[/bright_black]"
    )


_FORMS = {"ratio": ".2f", "ratio3": ".3f", "fraction": ".1%", "count": ",.0f", "currency": ",.0f", "nats": ".4f"}


def _figure(value: float | None, unit: str) -> str:
    return console.p_value(value) if unit == "p-value" else console.figure(value, _FORMS[unit])


def _signed(value: float | None, unit: str) -> str:
    text = _figure(value, unit)
    return text if text.startswith("-") else f"+{text}"
