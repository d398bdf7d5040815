"""What cash earned for each series of a part, and what its positions paid, as plain data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from quorate.evidence.evidence import Performance
from quorate.trading.carry import PARTS
from quorate.walkforward.series import Series


def carry_rows(judged: Sequence[tuple[Series, Performance]]) -> list[dict[str, Any]]:
    """Return a row for each series: in currency, and per year as a share of the account; none without any rate."""
    rows: list[dict[str, Any]] = []
    for one, performance in judged:
        carry = performance.carry
        if carry is None:
            continue
        row: dict[str, Any] = {"series": one.label, "cash": carry.cash_per_year}
        for part in PARTS:
            shares = getattr(carry, part)
            row[part] = float((shares * performance.equity[:-1]).sum())
            row[f"{part}_per_year"] = float(shares.sum() / carry.years) if carry.years else math.nan
        rows.append(row)
    return rows
