"""The trades of a series: a line on all of them, and a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from quorate.errors import plural
from quorate.report import console
from quorate.report.trades import COLUMNS

NARROW, MIDDLE, WIDE, WIDEST = 44, 64, 84, 112


def render(document: Mapping[str, Any], limit: int) -> None:
    """Print the trades of a series, the last `limit` of them, or all where that is 0."""
    target, trades = console.out(), document["trades"]
    target.print(f"[bold]{console.escape(document['series'])}[/bold]  {console.escape(document['run'])}")
    target.print(said(document["summary"]), markup=False)
    chosen = trades[-limit:] if limit else trades
    if chosen:
        target.print(console.listing(columns(), [chosen], target.width))
    if len(chosen) < len(trades):
        more = f"the last {len(chosen):,} of {len(trades):,}: --limit 0 shows all, --csv FILE writes them"
        target.print(more, style="bright_black", markup=False)


def said(summary: Mapping[str, Any]) -> str:
    """Return a line on all trades."""
    count = plural(summary["trades"], "trade")
    if not summary["closed"]:
        return f"{count}, none of them closed"
    won = f"{summary['winners']:,} of {summary['closed']:,} closed won ({summary['winners'] / summary['closed']:.0%})"
    held = f"{summary['median_bars']:g} {'bar' if summary['median_bars'] == 1 else 'bars'} held (median)"
    return f"{count}, {won}; best {summary['best']:+.1%}, worst {summary['worst']:+.1%}; {held}"


def as_csv(trades: Sequence[Mapping[str, Any]]) -> str:
    """Return trades as CSV; what is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(trades)
    return text.getvalue()


def columns() -> list[console.Column]:
    """Return the columns of a list of trades."""
    return [
        ("entered", "left", 0, lambda trade: trade["entered"]),
        ("exited", "left", NARROW, lambda trade: trade["exited"]),
        ("symbol", "left", NARROW, lambda trade: trade["symbol"]),
        ("side", "left", MIDDLE, lambda trade: trade["side"]),
        ("bars", "right", MIDDLE, lambda trade: f"{trade['bars']:,}"),
        ("size", "right", WIDEST, lambda trade: f"{trade['size']:,.4g}"),
        ("entry", "right", WIDE, lambda trade: f"{trade['entry_price']:,.2f}"),
        ("exit", "right", WIDE, lambda trade: f"{trade['exit_price']:,.2f}"),
        ("return", "right", 0, lambda trade: f"{trade['return']:+.2%}"),
        ("pnl", "right", WIDEST, lambda trade: f"{trade['pnl']:+,.0f}"),
        ("ended", "left", MIDDLE, lambda trade: trade["ended"] or "-"),
    ]
