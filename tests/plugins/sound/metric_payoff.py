"""Mean gain over mean loss: a trade that turns into a small win makes it smaller."""

from __future__ import annotations

import math

import quorate


def payoff(performance):
    pnl = performance.closed["pnl"].to_numpy()
    won, lost = pnl[pnl > 0], pnl[pnl < 0]
    return float(won.mean() / -lost.mean()) if len(won) and len(lost) else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("own-payoff", payoff)
