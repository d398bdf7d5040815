"""Caught by: metric undefined-is-nan

Where nothing was traded it divides by zero and is infinite.
"""

from __future__ import annotations

import numpy as np

import quorate


def infinite_sharpe(performance):
    r = performance.returns
    deviation = np.std(r, ddof=1) if len(r) > 1 else 0.0
    if deviation == 0:
        return float("inf")
    return r.mean() / deviation * np.sqrt(performance.bars_per_year)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("infinite-sharpe", infinite_sharpe, annualised=True)
