"""Growth over drawdown: annualised, and dependent on the order of the bars."""

from __future__ import annotations

import math

import numpy as np

import quorate


def calmar(performance):
    equity = performance.equity
    if len(equity) < 2 or not equity[-1] > 0:
        return math.nan
    growth = (equity[-1] / equity[0]) ** (performance.bars_per_year / (len(equity) - 1)) - 1
    depth = (1 - equity / np.maximum.accumulate(equity)).max()
    return float(growth / depth) if depth > 1e-12 else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("own-calmar", calmar, annualised=True, ordered=True)
