"""Caught by: strategy reacts

Always long, whatever the score.
"""

import numpy as np

import quorate


def deaf(score, threshold):
    return np.ones_like(score)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("deaf", deaf)
