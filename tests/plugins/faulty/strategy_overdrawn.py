"""Caught by: strategy computes

Says that its weights are shares of one capital, and gives each of the two best all of it.
"""

import numpy as np

import quorate


def overdrawn(score, threshold):
    known = np.where(np.isnan(score), -np.inf, score)
    rank = np.argsort(np.argsort(-known, axis=1, kind="stable"), axis=1, kind="stable")
    return np.where((rank < 2) & (known > threshold), 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("overdrawn", overdrawn, cross_sectional=True, portfolio=True)
