"""Growth per year by dates instead of bars."""

from __future__ import annotations

import math

import numpy as np

import quorate


def calendar_growth(performance):
    years = (performance.times[-1] - performance.times[0]) / np.timedelta64(1, "D") / 365.25
    if not years > 0 or not performance.equity[-1] > 0:
        return math.nan
    return float((performance.equity[-1] / performance.equity[0]) ** (1 / years) - 1)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("calendar-growth", calendar_growth, unit="fraction", annualised=True)
