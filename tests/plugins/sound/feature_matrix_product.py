"""sliding_window_view times weights: a matrix product, whose last bits depend on its size."""

import numpy as np

import quorate

WEIGHTS = np.exp(-np.arange(12)[::-1] / 4.0)


def matrix_product(close):
    out = np.full(close.shape, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(np.log(close), 12, axis=0)
    out[11:] = windows @ (WEIGHTS / WEIGHTS.sum())
    return np.log(close) - out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("matrix-product", matrix_product, lookback=12)
