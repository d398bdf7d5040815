"""What was traded, and what trading cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import mean
from typing import Any

from quorate.errors import StoreError
from quorate.report.figures import figure
from quorate.report.rates import rate_text
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Facts, Section, Table, Text

SHOWN = 5  # best and worst trades


def trades(report: Report, part: str) -> Section | None:
    """Return how many trades there were, how they ended, and the best and worst of them."""
    from quorate.report.trades import round_trips, series_of, summary

    label = series_of(report)
    try:
        own = [one for one in round_trips(report, label) if one["part"] == part]
    except StoreError:
        return None
    if not own:
        return Section("trades", "Trades", f"Nothing was traded on the {said_of(part)}.", (), part)
    told = summary(own)
    closed = sorted((one for one in own if one["closed"]), key=lambda one: -one["return"])
    facts = [("trades", f"{len(own):,}, of which {len(own) - len(closed):,} still open at the end")]
    if closed:
        won = told["winners"]
        facts += [
            ("winners", f"{won:,} of {len(closed):,}, {figure(won / len(closed), 'fraction')}"),
            ("mean trade", figure(mean(one["return"] for one in closed), "fine")),
            ("median bars held", figure(told["median_bars"], "bars")),
        ]
    ends = Counter(one["ended"] for one in own if one["ended"])
    facts += [("ended by", ", ".join(f"{name} {n:,}" for name, n in ends.most_common()))] if ends else []
    few = len(closed) <= 2 * SHOWN
    chosen = [closed] if few else [closed[:SHOWN], closed[-SHOWN:]]
    groups = [[_row(one) for one in some] for some in chosen]
    columns = [
        Column("symbol", "left"), Column("side", "left"), Column("entered"), Column("left", keep=1),
        Column("return"), Column("pnl", keep=2), Column("ended", "left", keep=2),
    ]  # fmt: skip
    blocks: list[Block] = [Facts(facts), Table(columns, groups, "" if few else "the best, and the worst")]
    return Section("trades", "Trades", f"What {label} traded on the {said_of(part)}.", blocks, part)


def _row(one: Mapping[str, Any]) -> list[Cell]:
    value = one["return"]
    return [
        Cell(str(one["symbol"])),
        Cell(str(one["side"])),
        Cell(str(one["entered"])),
        Cell(str(one["exited"])),
        Cell(figure(value, "fine"), value, "good" if value > 0 else "bad" if value < 0 else ""),
        Cell(figure(one["pnl"], "currency"), one["pnl"]),
        Cell(one["ended"] or "-"),
    ]


def costs(report: Report, part: str) -> Section:
    """Return what trading cost, and how much more of it there could be."""
    gates = {gate["gate"]: gate for gate in report.results[part]["gates"]}
    rows = [("costs", costs_text(report.provenance["recipe"]["costs"]))]
    if (gate := gates.get("cost-stress")) and gate["value"] is not None:
        factor = (gate.get("inputs") or {}).get("factor", 2.0)
        rows.append((f"Sharpe at {factor:g} times the costs", figure(gate["value"], gate["unit"])))
        rows += [("and more", gate["uncertainty"])] if gate["uncertainty"] else []
        rows.append(("break-even", gate["sample"]))
    if (gate := gates.get("delay")) and gate["value"] is not None:
        rows.append((f"Sharpe, {gate['sample']}", figure(gate["value"], gate["unit"])))
    sentence = f"What a trade was taken to cost on the {said_of(part)}, and how much dearer or later it might be."
    return Section("costs", "Costs", sentence, [Facts(rows), *_carry(report.results[part])], part)


def _carry(found: Mapping[str, Any]) -> list[Block]:
    """Return what cash earned, and positions paid, of the judged series and of buying and holding."""
    every = found.get("carry") or ()
    if not every:
        return []
    shown = [
        [
            Cell(row["series"]),
            *(
                Cell(figure(row[key], unit), row[key])
                for part in ("interest", "borrow", "funding")
                for key, unit in ((part, "currency"), (f"{part}_per_year", "fine"))
            ),
        ]
        for row in (every[0], every[-1])
    ]
    columns = [Column("series", "left")]
    for keep, part in enumerate(("interest", "borrow", "funding")):
        columns += [Column(part, keep=keep), Column("a year", keep=keep)]
    title = "What cash earned between closes, and what short and funded positions paid, beside all trades:"
    return [Text(title), Table(columns, [shown])]


WHEN = {
    "every": "rebalanced at every bar",
    "weekly": "rebalanced at the first bar of a week",
    "monthly": "rebalanced at the first bar of a month",
}


def rules_text(backtest: Mapping[str, Any]) -> str:
    """Return what the orders of a backtest had to be, as ``, in lots of 10``; nothing where nothing is said."""
    lots, band, rebalance = (backtest.get(name) for name in ("lots", "band", "rebalance"))
    named = lots if isinstance(lots, Mapping) else {"": lots} if lots else {}
    each = [f"{size:g} {name}".strip() for name, size in named.items()]
    said = [f"in lots of {', '.join(each)}"] if each else []
    said += [f"changes of weight below {band:.1%} left"] if band else []
    said += [WHEN[rebalance]] if rebalance else []
    return "".join(f", {one}" for one in said)


def costs_text(costs: Mapping[str, Any]) -> str:
    """Return a recipe's costs in words."""
    paid = [(text, costs.get(key)) for key, text in (("borrow", "to borrow"), ("funding", "funding"))]
    more = "".join(f", {text} {rate_text(rate)}" for text, rate in paid if rate is not None)
    if costs.get("model", "fixed") == "fixed":
        fees, slippage = (figure(costs[name], "fine") for name in ("fees", "slippage"))
        return f"fees {fees} and slippage {slippage} per side{more}"
    own = {name: value for name, value in costs.items() if name not in ("model", "borrow", "funding")}
    options = ", ".join(f"{name} {value}" for name, value in own.items())
    return f"{costs['model']}{' with ' if options else ''}{options}{more}"
