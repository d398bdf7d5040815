"""A flag that an ordinary market never raises; integers."""

import numpy as np

import quorate


def crash_flag(close):
    out = np.zeros(close.shape, dtype=np.int8)
    out[1:] = close[1:] / close[:-1] < 0.93
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("crash-flag", crash_flag, lookback=2)
