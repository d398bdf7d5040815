"""Caught by: feature start-independent, feature lookback-enough

On-balance volume: a total of all bars so far, which depends on where the history begins.
"""

import numpy as np

import quorate


def running_total(close, volume):
    rise = np.sign(np.diff(close, axis=0, prepend=close[:1]))
    return np.cumsum(np.nan_to_num(rise * volume), axis=0) / 1e8


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("running-total", running_total, inputs=("close", "volume"), lookback=2)
