"""Caught by: metric undefined-is-nan

Without a closed trade it raises.
"""

from __future__ import annotations

import quorate


def worst_trade(performance):
    return min(performance.closed["pnl_fraction"].tolist())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("worst-trade", worst_trade, unit="fraction")
