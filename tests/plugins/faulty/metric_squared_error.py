"""Caught by: metric direction

An error of forecasts, declared (by default) as better when higher.
"""

from __future__ import annotations

import numpy as np

import quorate


def squared_error(performance):
    y = performance.labels
    return float(np.mean((performance.predictions - y) ** 2)) if len(y) else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("squared-error", squared_error, forecasts=True)
