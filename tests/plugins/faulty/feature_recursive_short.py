"""Caught by: feature lookback-enough, feature start-independent

An exponential mean of 60 bars still feels its start after 60.
"""

import pandas as pd

import quorate


def recursive_short(close):
    return (close / pd.DataFrame(close).ewm(span=60, adjust=False).mean() - 1).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("recursive-short", recursive_short, lookback=60, recursive=True)
