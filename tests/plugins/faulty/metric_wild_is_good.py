"""Caught by: metric direction

A deviation of returns, declared (by default) as better when higher.
"""

from __future__ import annotations

import numpy as np

import quorate


def wild_is_good(performance):
    r = performance.returns
    return float(np.std(r, ddof=1)) if len(r) > 1 else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("wild-is-good", wild_is_good, unit="fraction")
