"""Caught by: strategy prefix-invariant, strategy scramble-invariant

Trades on the next bar's score.
"""

import numpy as np

import quorate


def next_score(score, threshold):
    later = np.full_like(score, np.nan)
    later[:-1] = score[1:]
    return np.where(later > threshold, 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("next-score", next_score)
