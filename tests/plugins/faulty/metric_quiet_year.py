"""Caught by: metric annualisation

It is a figure per year and does not say so.
"""

from __future__ import annotations

import math

import quorate


def quiet_year(performance):
    return float(performance.returns.mean() * performance.bars_per_year) if len(performance.returns) else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("quiet-year", quiet_year, unit="fraction")
