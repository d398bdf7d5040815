"""Caught by: metric annualisation

It takes every market for one of 252 bars a year.
"""

from __future__ import annotations

import math

import quorate


def trading_days(performance):
    r = performance.returns
    if len(r) < 2 or not r.std(ddof=1) > 1e-12:
        return math.nan
    return float(r.mean() / r.std(ddof=1) * math.sqrt(252))


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("trading-days", trading_days, annualised=True)
