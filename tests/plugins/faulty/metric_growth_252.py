"""Caught by: metric annualisation

Growth per year of 252 bars, whatever the market, and not said to be one.
"""

import numpy as np

import quorate

DAYS = 252


def growth_252(performance):
    r = performance.returns
    if len(r) < 2 or not np.isfinite(r).all():
        return float("nan")
    total = performance.equity[-1] / performance.equity[0]
    return float(total ** (DAYS / len(r)) - 1) if total > 0 else -1.0


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("growth-252", growth_252, unit="fraction")
