"""A mean as a difference of running totals, which round."""

import numpy as np

import quorate


def running_sums(close):
    total = np.cumsum(np.nan_to_num(close), axis=0)
    out = np.full(close.shape, np.nan)
    out[15:] = (total[15:] - total[:-15]) / 15
    return close / out - 1


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("running-sums", running_sums, lookback=16)
