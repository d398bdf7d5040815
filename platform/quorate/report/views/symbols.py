"""What the judged series did with each symbol, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quorate.report import console

MOST = 30  # symbols that are shown one by one


def symbols(rows: Sequence[Mapping[str, Any]], width: int) -> Any:
    """Return the table of a report's symbols, figures that know no unit first.

    Parameters
    ----------
    rows : sequence of mapping
        As a part's ``symbols`` in ``report.json``; the first of many are shown.
    width : int
        Of the terminal.
    """

    def shown(key: str, form: str) -> Any:
        return lambda row: console.figure(row[key], form)

    columns: list[console.Column] = [
        ("symbol", "left", 0, lambda row: str(row["symbol"])),
        ("rows", "right", 60, shown("rows", ",.0f")),
        ("Sharpe", "right", 0, shown("sharpe", ".2f")),
        ("max DD", "right", 0, shown("max-drawdown", ".1%")),
        ("closed", "right", 60, shown("closed-trades", ",.0f")),
        ("accuracy", "right", 0, shown("accuracy", ".1%")),
        ("MASE", "right", 60, shown("mase", ".3f")),
        ("error", "right", 80, shown("pct-mae", ".3%")),
        ("naive error", "right", 80, shown("pct-naive", ".3%")),
    ]
    kept = [column for column in columns if column[0] not in _undefined(rows)]
    return console.listing(kept, [rows[:MOST]], width)


def _undefined(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the columns that say nothing: labels that are no returns have no prices."""
    return () if any(row["pct-mae"] is not None for row in rows) else ("error", "naive error")
