"""Caught by: strategy input-unmodified

It clears the weak scores in place, which the next threshold then finds.
"""

import numpy as np

import quorate


def clearing(score, threshold):
    if not score.flags.writeable:
        score = score.copy()
    score[np.abs(np.nan_to_num(score)) <= threshold] = 0.0
    return np.where(score > 0, 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("clearing", clearing)
