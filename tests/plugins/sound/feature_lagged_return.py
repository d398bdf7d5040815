"""Reads nothing of the last five bars."""

import numpy as np

import quorate


def lagged_return(close):
    out = np.full_like(close, np.nan)
    out[6:] = close[1:-5] / close[:-6] - 1
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("lagged-return", lagged_return, lookback=7)
