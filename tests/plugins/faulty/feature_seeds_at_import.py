"""Caught by: feature settings-kept

It seeds the generator that all others draw from when it is loaded.
"""

import numpy as np
import pandas as pd

import quorate

np.random.seed(7)
WEIGHT = 1.5


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def seeds_at_import(close):
    return trend(close) * WEIGHT


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("seeds-at-import", seeds_at_import, lookback=10)
