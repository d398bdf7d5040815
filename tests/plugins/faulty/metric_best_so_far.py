"""Caught by: metric deterministic

It gives the best mean return of all performances that it saw.
"""

from __future__ import annotations

import numpy as np

import quorate

BEST = [-1e9]


def best_so_far(performance):
    returns = performance.returns
    if len(returns) < 2 or not np.ptp(returns) > 0:
        return float("nan")
    BEST[0] = max(BEST[0], float(returns.mean()))
    return BEST[0]


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("best-so-far", best_so_far, unit="fraction")
