"""Caught by: strategy symbols-independent

Holds the best symbol, without saying that it compares symbols.
"""

import numpy as np

import quorate


def rank_unsaid(score, threshold):
    best = np.nanmax(np.nan_to_num(score, nan=-9.0), axis=1, keepdims=True)
    return np.where((score == best) & (score > threshold), 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("rank-unsaid", rank_unsaid)
