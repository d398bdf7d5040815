"""Caught by: strategy deterministic

Begins with the positions that the call before ended with.
"""

import numpy as np

import quorate

HELD = {}


def remembers_position(score, threshold):
    weights = np.zeros(score.shape)
    held = HELD.get(score.shape[1], np.zeros(score.shape[1]))
    for t, now in enumerate(score):
        held = np.where(now > threshold, 1.0, np.where(now < 0, 0.0, held))
        weights[t] = held
    HELD[score.shape[1]] = held
    return weights


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("remembers-position", remembers_position)
