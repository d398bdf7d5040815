"""What every series earned, and how: against buying and holding, and against what any of them must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report.figures import figure, signed
from quorate.report.rates import excess_text
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Section, Table, Text

# heading, metric, how it reads, how soon the column gives way
METRICS = (
    ("return", "total-return", "fraction", 0),
    ("CAGR", "cagr", "fraction", 2),
    ("Sharpe", "sharpe", "ratio", 0),
    ("max DD", "max-drawdown", "fraction", 0),
    ("volatility", "volatility", "fraction", 4),
    ("win rate", "win-rate", "fraction", 1),
    ("closed", "closed-trades", "count", 2),
    ("exposure", "exposure", "fraction", 3),
    ("turnover", "turnover", "ratio", 5),
    ("accuracy", "accuracy", "fraction", 3),
    ("AUC", "auc", "ratio3", 4),
)
GROUPS = (("ensemble", "alternative"), ("member",), ("baseline", "benchmark"))
MOST = 30  # symbols that are shown one by one; of more the best and the worst
SURE = ("sharpe", "win-rate", "max-drawdown")  # gates that say how sure their figure is


def performance(report: Report, part: str) -> Section:
    """Return the ensembles, the members, and what any of them must beat."""
    found = report.results[part]
    span, judged = found["span"], found["series"][0]
    sentence = (
        f"What {judged['name']}, {judged['strategy']} earned on the {said_of(part)} after costs, "
        f"{span['first']}..{span['last']} ({span['bars']:,} bars), beside all that it was compared with."
    )
    blocks: list[Block] = [traded(found)]
    sure = [f"{g['gate']} {figure(g['value'], g['unit'])}, {g['uncertainty']}" for g in found["gates"]
            if g["gate"] in SURE and g["uncertainty"]]  # fmt: skip
    if sure:
        blocks.append(Text(f"How sure: {'; '.join(sure)}."))
    if excess := excess_text(report, part):
        blocks.append(Text(excess))
    return Section("performance", "Performance", sentence, blocks, part)


def traded(found: Mapping[str, Any]) -> Table:
    """Return what every series of a part earned, and the market."""
    groups = [[_row(one) for one in found["series"] if one["role"] in roles] for roles in GROUPS]
    market = {**found["market"], "volatility": found["market"].get("volatility")}
    groups[-1].append([Cell("market, gross"), *(_cell(market, key, unit) for _, key, unit, _ in METRICS)])
    columns = [Column("series", "left"), *(Column(heading, "right", keep) for heading, _, _, keep in METRICS)]
    return Table(columns, [rows for rows in groups if rows])


def _row(series: Mapping[str, Any]) -> list[Cell]:
    return [Cell(_name(series)), *(_cell(series["metrics"], key, unit) for _, key, unit, _ in METRICS)]


def _cell(metrics: Mapping[str, Any], key: str, unit: str) -> Cell:
    value = metrics.get(key)
    return Cell(figure(value, unit) if key in metrics else "", value)


def _name(series: Mapping[str, Any]) -> str:
    if series["role"] in ("ensemble", "alternative"):
        return f"{series['name']}, {series['strategy']}"
    return str(series["name"])


def symbols(report: Report, part: str) -> Section | None:
    """Return what the judged series did with each symbol; None where there is but one."""
    rows = report.results[part].get("symbols")
    if not rows:
        return None
    sentence = f"What the judged series did with each of {len(rows):,} symbols on the {said_of(part)}"
    sentence += ", and what each contributed to its return." if "contribution" in rows[0] else "."
    return Section("symbols", "Symbols", sentence, each(rows), part)


def each(rows: Sequence[Mapping[str, Any]]) -> list[Block]:
    """Return what was done with each of some symbols; nothing of one alone, of which reports have no such figures."""
    if not rows:
        return []
    # heading, key, how it reads, how soon the column gives way
    keys = [
        ("rows", "rows", "count", 3),
        ("Sharpe", "sharpe", "ratio", 0),
        ("max DD", "max-drawdown", "fraction", 0),
        ("closed", "closed-trades", "count", 2),
        ("contribution", "contribution", "fine", 0),
        ("turnover", "turnover", "ratio", 3),
        ("accuracy", "accuracy", "fraction", 0),
        ("MASE", "mase", "ratio3", 2),
        ("error", "pct-mae", "fine", 4),
        ("naive error", "pct-naive", "fine", 4),
        ("in price", "price-mae", "ratio", 5),
    ]
    if all(row["pct-mae"] is None for row in rows):  # labels that are no returns have no prices
        keys = keys[:-3]
    told = "contribution" in rows[0]  # reports made before do not tell
    keys = [key for key in keys if told or key[1] not in ("contribution", "turnover")]
    keys = [key for key in keys if key[1] in rows[0]]
    every = sorted(rows, key=lambda row: -(row["contribution"] or 0.0)) if told else rows
    half = MOST // 2
    groups = [every] if len(rows) <= MOST else [every[:half], every[-half:]] if told else [every[:MOST]]
    shown = [
        [
            [Cell(str(row["symbol"])), *(Cell(figure(row[key], unit), row[key]) for _, key, unit, _ in keys)]
            for row in some
        ]
        for some in groups
    ]
    columns = [Column("symbol", "left"), *(Column(heading, "right", keep) for heading, _, _, keep in keys)]
    title = "the best, and the worst" if len(groups) > 1 else ""
    left = len(rows) - sum(len(some) for some in groups)
    more = [Text(f"and {left:,} more symbols: report --json has all")] if left else []
    return [Table(columns, shown, title), *more]


def gain(members: Mapping[str, Any]) -> str:
    """Return how alike the members are, and what their ensemble gained over the best of them."""
    found, alike = members["gain"], members["mean-correlation"]
    count = len(members["members"])
    told = f"{count:,} {'member' if count == 1 else 'members'}"
    told += "" if alike is None else f", mean correlation {figure(alike, 'ratio')}"
    if found.get("gain") is None:
        return f"{told}."
    low, high = (signed(found[key], "ratio") for key in ("low", "high"))
    interval = "" if found["low"] is None else f", 90% CI {low} to {high}"
    more = signed(found["gain"], "ratio")
    return f"{told}; Sharpe of the ensemble less that of {found['best-member']}: {more}{interval}."
