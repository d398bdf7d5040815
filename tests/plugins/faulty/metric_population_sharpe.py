"""Caught by: metric reference

Deviation with ddof 0, though it claims to be the Sharpe ratio.
"""

from __future__ import annotations

import math

import quorate


def population_sharpe(performance):
    r = performance.returns
    if len(r) < 2 or not r.std() > 1e-12:
        return math.nan
    return float(r.mean() / r.std() * math.sqrt(performance.bars_per_year))


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("population-sharpe", population_sharpe, annualised=True, reference="sharpe")
