"""Caught by: metric forecasts

A hit rate of forecasts that passes for a figure of what was earned.
"""

from __future__ import annotations

import numpy as np

import quorate


def hit_rate(performance):
    y, p = performance.labels, performance.predictions
    if not len(y):
        return float("nan")
    middle = 0.5 if performance.binary else 0.0
    return float(np.mean((y > middle) == (p > middle)))


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("share-of-hits", hit_rate, unit="fraction")
