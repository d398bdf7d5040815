"""Caught by: gate deterministic

It seeds the generator that all others draw from, too.
"""

from __future__ import annotations

import numpy as np

import quorate


def seeds_globally(evidence, least: float = 0.0):
    returns = evidence.performance.returns
    np.random.seed(0)
    many = len(returns) > 20 and np.isfinite(returns).all() and np.ptp(returns) > 0
    value = np.quantile(np.random.choice(returns, (200, len(returns))).mean(axis=1), 0.05) if many else np.nan
    return quorate.judge("x", float(value), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("seeds-globally", seeds_globally)
