"""Caught by: metric undefined-is-nan

It divides by the deviation of the losing bars, which is zero when there is one.
"""

from __future__ import annotations

import quorate


def sortino_of_losses(performance):
    returns = performance.returns
    losses = returns[returns < 0]
    if len(losses) == 0:
        return float("nan")
    return float(returns.mean() / losses.std() * performance.bars_per_year**0.5)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("sortino-of-losses", sortino_of_losses, annualised=True)
