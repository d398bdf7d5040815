"""Caught by: feature lookback-tight

An exponential mean of 5 bars has forgotten all after some 20 bars, not 200.
"""

import pandas as pd

import quorate


def recursive_long(close):
    return (close / pd.DataFrame(close).ewm(span=5, adjust=False).mean() - 1).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("recursive-long", recursive_long, lookback=200, recursive=True)
