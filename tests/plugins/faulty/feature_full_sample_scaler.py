"""Caught by: feature prefix-invariant, feature scramble-invariant

Mean and deviation are those of the entire series.
"""

import numpy as np

import quorate


def full_sample_scaler(close):
    returns = np.zeros_like(close)
    returns[1:] = close[1:] / close[:-1] - 1
    return (returns - np.nanmean(returns, axis=0)) / np.nanstd(returns, axis=0)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("full-sample-scaler", full_sample_scaler, lookback=2)
