"""Caught by: metric undefined-is-nan

Where nothing was traded it is 0, which reads like a result.
"""

from __future__ import annotations

import numpy as np

import quorate


def zero_sharpe(performance):
    r = performance.returns
    if len(r) < 2 or r.std(ddof=1) == 0:
        return 0.0
    return float(r.mean() / r.std(ddof=1) * np.sqrt(performance.bars_per_year))


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("zero-sharpe", zero_sharpe, annualised=True)
