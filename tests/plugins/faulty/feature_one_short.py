"""Caught by: feature computes

Gives one value fewer than there are bars.
"""

import numpy as np

import quorate


def one_short(close):
    return np.diff(np.log(close), axis=0)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("one-short", one_short, lookback=2)
