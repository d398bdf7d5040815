"""Caught by: feature prefix-invariant

Reads the next bar after large falls only.
"""

import numpy as np

import quorate


def rare_leak(close):
    before = np.roll(close, 1, axis=0)
    after = np.roll(close, -1, axis=0)
    after[-1] = close[-1]
    before[0] = close[0]
    past = close / before - 1
    return np.where(past < -0.04, after / close - 1, past)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("rare-leak", rare_leak, lookback=2)
