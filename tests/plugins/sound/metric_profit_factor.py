"""Gains over losses of closed trades; undefined where nothing was lost."""

from __future__ import annotations

import math

import quorate


def profit_factor(performance):
    pnl = performance.closed["pnl"].to_numpy()
    lost = -pnl[pnl < 0].sum()
    return float(pnl[pnl > 0].sum() / lost) if lost > 0 else math.nan


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("own-profit-factor", profit_factor, reference="profit_factor")
