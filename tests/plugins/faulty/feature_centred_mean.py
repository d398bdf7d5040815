"""Caught by: feature prefix-invariant, feature scramble-invariant

The moving mean is centred: half its window lies in the future.
"""

import pandas as pd

import quorate


def centred_mean(close):
    mean = pd.DataFrame(close).rolling(11, center=True, min_periods=1).mean()
    return close / mean.to_numpy() - 1


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("centred-mean", centred_mean, lookback=11)
