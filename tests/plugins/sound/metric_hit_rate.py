"""The share of bars that gain: a step function, rightly 0 where nothing was traded."""

from __future__ import annotations

import math

import quorate


def hit_rate(performance):
    r = performance.returns
    return float((r > 0).mean()) if len(r) else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("hit-rate", hit_rate, unit="fraction")
