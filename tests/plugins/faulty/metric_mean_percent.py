"""Caught by: metric unit

A mean in per cent, declared as a fraction: small enough to pass for one.
"""

import numpy as np

import quorate


def mean_percent(performance):
    r = performance.returns
    if len(r) < 2 or not np.isfinite(r).all():
        return float("nan")
    return float(100 * r.mean())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("mean-percent", mean_percent, unit="fraction")
