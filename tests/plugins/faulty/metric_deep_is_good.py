"""Caught by: metric direction

A positive drawdown: the smaller the better, which the spec does not say.
"""

from __future__ import annotations

import numpy as np

import quorate


def deep_is_good(performance):
    equity = performance.equity
    return float((1 - equity / np.maximum.accumulate(equity)).max())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("deep-is-good", deep_is_good, unit="fraction", ordered=True)
