"""Caught by: feature symbols-independent

The close relative to the mean of all symbols, without saying so.
"""

import numpy as np

import quorate


def mixes_symbols(open, close):
    moved = close / open - 1
    return moved - 0.5 * np.nanmean(moved, axis=1, keepdims=True)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("mixes-symbols", mixes_symbols, inputs=("open", "close"))
