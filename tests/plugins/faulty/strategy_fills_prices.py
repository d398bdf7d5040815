"""Caught by: strategy input-unmodified

Fills missing prices in place: every strategy after it sees them.
"""

import numpy as np

import quorate


def filling(score, threshold, close):
    if not close.flags.writeable:
        close = close.copy()
    for t in range(1, len(close)):
        gap = np.isnan(close[t])
        close[t, gap] = close[t - 1, gap]
    higher = np.vstack([np.zeros((1, close.shape[1]), dtype=bool), close[1:] > close[:-1]])
    return np.where((score > threshold) & higher, 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("filling", filling, inputs=("close",))
