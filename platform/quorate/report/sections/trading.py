"""What was traded, and what trading cost."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, median
from typing import Any

from quorate.errors import QuorateError
from quorate.report.figures import figure
from quorate.report.report import Report
from quorate.report.sections.gates import said_of
from quorate.report.sections.model import Block, Cell, Column, Facts, Section, Table

SHOWN = 5  # best and worst trades
FIELDS = ("series", "symbol", "side", "entered", "exited", "pnl", "pnl_fraction", "fees", "closed")


def trades(report: Report, part: str) -> Section | None:
    """Return how many trades there were, how they ended, and the best and worst of them."""
    judged = report.results[part]["series"][0]
    try:
        rows = report.rows(part, "trades", FIELDS)
    except QuorateError:
        return None
    label = f"{judged['name']}/{judged['strategy']}"
    own = [dict(zip(FIELDS, row, strict=True)) for row in rows if row[0] == label]
    if not own:
        return Section("trades", "Trades", f"Nothing was traded on the {said_of(part)}.", (), part)
    closed = [one for one in own if one["closed"]]
    gains = [one["pnl_fraction"] for one in closed]
    held = [(one["exited"] - one["entered"]).total_seconds() / 86_400 for one in closed]
    facts = [("trades", f"{len(own):,}, of which {len(own) - len(closed):,} still open at the end")]
    if gains:
        won = sum(gain > 0 for gain in gains)
        facts += [
            ("winners", f"{won:,} of {len(gains):,}, {figure(won / len(gains), 'fraction')}"),
            ("mean trade", figure(mean(gains), "fine")),
            ("median days held", figure(median(held), "bars")),
            ("fees", f"{figure(sum(one['fees'] for one in own), 'currency')} in all"),
        ]
    ordered = sorted(closed, key=lambda one: -one["pnl_fraction"])
    few = len(ordered) <= 2 * SHOWN
    chosen = [ordered] if few else [ordered[:SHOWN], ordered[-SHOWN:]]
    groups = [[_row(one) for one in some] for some in chosen]
    columns = [
        Column("symbol", "left"), Column("side", "left"), Column("entered"), Column("left", keep=1),
        Column("return"), Column("pnl", keep=2), Column("fees", keep=3),
    ]  # fmt: skip
    blocks: list[Block] = [Facts(facts), Table(columns, groups, "" if few else "the best, and the worst")]
    sentence = f"What {judged['name']}, {judged['strategy']} traded on the {said_of(part)}."
    return Section("trades", "Trades", sentence, blocks, part)


def _row(one: Mapping[str, Any]) -> list[Cell]:
    value = one["pnl_fraction"]
    return [
        Cell(str(one["symbol"])),
        Cell(str(one["side"])),
        Cell(str(one["entered"])[:10]),
        Cell(str(one["exited"])[:10]),
        Cell(figure(value, "fine"), value, "good" if value > 0 else "bad" if value < 0 else ""),
        Cell(figure(one["pnl"], "currency"), one["pnl"]),
        Cell(figure(one["fees"], "currency"), one["fees"]),
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
    return Section("costs", "Costs", sentence, [Facts(rows)], part)


def costs_text(costs: Mapping[str, Any]) -> str:
    """Return a recipe's costs in words."""
    if costs.get("model", "fixed") == "fixed":
        fees, slippage = (figure(costs[name], "fine") for name in ("fees", "slippage"))
        return f"fees {fees} and slippage {slippage} per side"
    options = ", ".join(f"{name} {value}" for name, value in costs.items() if name != "model")
    return f"{costs['model']}{' with ' if options else ''}{options}"
