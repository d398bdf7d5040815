"""Caught by: metric reference

Its first peak is the first bar: a loss on that bar does not count.
"""

from __future__ import annotations

import numpy as np

import quorate


def drawdown_after_start(performance):
    if not np.ptp(performance.equity) > 0:
        return float("nan") if len(performance.returns) == 0 else 0.0
    equity = np.cumprod(1 + performance.returns)
    return float((1 - equity / np.maximum.accumulate(equity)).max())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec(
        "drawdown-after-start",
        drawdown_after_start,
        unit="fraction",
        higher_is_better=False,
        ordered=True,
        reference="max_drawdown",
    )
