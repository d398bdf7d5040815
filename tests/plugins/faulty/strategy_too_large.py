"""Caught by: strategy computes

Weights are not bounded.
"""

import numpy as np

import quorate


def too_large(score, threshold):
    return np.where(np.abs(score) > threshold, score * 20, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("too-large", too_large)
