"""Neither shift nor scale changes it."""

from __future__ import annotations

import math

import numpy as np

import quorate


def skewness(performance):
    r = performance.returns
    if len(r) < 3 or not r.std() > 1e-12:
        return math.nan
    return float(np.mean((r - r.mean()) ** 3) / r.std() ** 3)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("skewness", skewness)
