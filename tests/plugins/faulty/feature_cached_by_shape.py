"""Caught by: feature deterministic

Keeps what it computed under the shape of its input.
"""

import pandas as pd

import quorate

CACHE = {}


def cached_by_shape(close):
    if close.shape not in CACHE:
        frame = pd.DataFrame(close)
        CACHE[close.shape] = (frame / frame.rolling(10).mean() - 1).to_numpy()
    return CACHE[close.shape]


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("cached-by-shape", cached_by_shape, lookback=10)
