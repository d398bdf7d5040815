"""Rank correlation of forecasts and labels, for probabilities and expected returns alike."""

from __future__ import annotations

import math

import numpy as np

import quorate


def information_coefficient(performance):
    from scipy.stats import rankdata

    p, y = performance.predictions, performance.labels
    if len(y) < 2 or np.ptp(p) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(rankdata(p), rankdata(y))[0, 1])


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("information-coefficient", information_coefficient, forecasts=True)
