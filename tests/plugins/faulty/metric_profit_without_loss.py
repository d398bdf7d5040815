"""Caught by: metric undefined-is-nan

Without a losing trade it is infinite.
"""

from __future__ import annotations

import quorate


def profit_without_loss(performance):
    pnl = performance.closed["pnl"].to_numpy()
    lost = -pnl[pnl < 0].sum()
    return float(pnl[pnl > 0].sum() / lost) if lost else float("inf")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("profit-without-loss", profit_without_loss)
