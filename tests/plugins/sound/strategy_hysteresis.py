"""Enters above the threshold, leaves below zero: the weight depends on all scores before."""

import numpy as np

import quorate


def hysteresis(score, threshold):
    weights = np.zeros(score.shape)
    held = np.zeros(score.shape[1])
    for t, row in enumerate(score):
        held = np.where(row > threshold, 1.0, np.where(row < 0, 0.0, held))
        weights[t] = held
    return weights


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("hysteresis", hysteresis)
