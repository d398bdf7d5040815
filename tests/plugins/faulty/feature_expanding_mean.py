"""Caught by: feature start-independent

The close against the mean of all closes so far.
"""

import pandas as pd

import quorate


def expanding_mean(close):
    return (close / pd.DataFrame(close).expanding().mean() - 1).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("expanding-mean", expanding_mean, lookback=30)
