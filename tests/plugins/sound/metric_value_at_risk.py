"""A loss as a positive fraction, rightly 0 where nothing was traded."""

from __future__ import annotations

import numpy as np

import quorate


def value_at_risk(performance, level: float = 0.05):
    r = performance.returns
    return max(0.0, -float(np.quantile(r, level))) if len(r) and np.isfinite(r).all() else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("value-at-risk", value_at_risk, unit="fraction", higher_is_better=False)
