"""Downside risk alone; undefined where no bar lost."""

from __future__ import annotations

import math

import numpy as np

import quorate


def sortino(performance, target: float = 0.0):
    excess = performance.returns - target
    if len(excess) < 2:
        return math.nan
    downside = math.sqrt(np.mean(np.minimum(excess, 0.0) ** 2))
    return float(excess.mean() / downside * math.sqrt(performance.bars_per_year)) if downside > 1e-12 else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("own-sortino", sortino, annualised=True, reference="sortino")
