"""Caught by: metric computes

It returns one number per return instead of one number.
"""

from __future__ import annotations

import numpy as np

import quorate


def column(performance):
    return np.cumsum(performance.returns)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("column", column)
