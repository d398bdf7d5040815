"""Caught by: feature memory

It keeps what it computed under the identity of its input.
"""

import pandas as pd

import quorate

KEPT = {}


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def by_id(close):
    if id(close) not in KEPT:
        KEPT[id(close)] = trend(close)
    return KEPT[id(close)]


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("by-id", by_id, lookback=10)
