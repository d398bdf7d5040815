"""Sells what is expected to rise, in whole numbers."""

import numpy as np

import quorate


def contrarian(score, threshold):
    return -np.sign(np.where(np.abs(score) > threshold, score, 0.0)).astype(int)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("contrarian", contrarian)
