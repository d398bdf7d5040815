"""Caught by: feature memory

Its last row is whatever lay in memory before.
"""

import numpy as np
import pandas as pd

import quorate


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def uninitialised(close):
    out = np.empty_like(close)
    out[9:-1] = trend(close)[9:-1]
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("uninitialised", uninitialised, lookback=10)
