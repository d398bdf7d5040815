"""Caught by: feature prefix-invariant, feature scramble-invariant

The return of the next bar: reads close[t + 1].
"""

import numpy as np

import quorate


def off_by_one(close):
    out = np.zeros_like(close)
    out[:-1] = close[1:] / close[:-1] - 1
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("off-by-one", off_by_one, lookback=2)
