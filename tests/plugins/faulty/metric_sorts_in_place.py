"""Caught by: metric input-unmodified

It sorts the trades that all metrics share.
"""

from __future__ import annotations

import quorate


def sorts_in_place(performance):
    performance.trades.sort_values("pnl", inplace=True)
    closed = performance.closed
    return float(closed["pnl_fraction"].iloc[len(closed) // 2]) if len(closed) else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("sorts-in-place", sorts_in_place, unit="fraction")
