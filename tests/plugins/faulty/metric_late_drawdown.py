"""Caught by: metric reference

The peak leaves the capital at the start out, so that a loss on the first bar does not count.
"""

from __future__ import annotations

import numpy as np

import quorate


def late_drawdown(performance):
    equity = performance.equity[1:]
    if not len(equity) or not np.isfinite(equity).all():
        return float("nan")
    return float((equity / np.maximum.accumulate(equity) - 1).min())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("late-drawdown", late_drawdown, unit="fraction", ordered=True, reference="max_drawdown")
