"""Caught by: strategy scramble-invariant

Divides by the largest score of the entire history.
"""

import numpy as np

import quorate


def full_maximum(score, threshold):
    size = np.nanmax(np.abs(score), axis=0, initial=1e-9)
    return np.where(np.abs(score) > threshold, score / size, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("full-maximum", full_maximum)
