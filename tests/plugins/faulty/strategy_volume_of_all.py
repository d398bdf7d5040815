"""Caught by: strategy prefix-invariant, strategy scramble-invariant

Trades on busy days only, by the mean volume of the entire history.
"""

import numpy as np

import quorate


def busy(score, threshold, volume):
    return np.where((score > threshold) & (volume > np.nanmean(volume, axis=0)), 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("busy", busy, inputs=("volume",))
