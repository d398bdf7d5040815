"""Quantiles of returns: a shift moves both tails."""

from __future__ import annotations

import math

import numpy as np

import quorate


def tail_ratio(performance):
    r = performance.returns
    if not len(r) or not np.isfinite(r).all():
        return math.nan
    high, low = np.quantile(r, [0.95, 0.05])
    return float(high / -low) if low < 0 else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("tail-ratio", tail_ratio)
