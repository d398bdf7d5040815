"""The position of a maximum: whole numbers."""

import numpy as np

import quorate


def bars_since_high(high):
    out = np.full(high.shape, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(high, 25, axis=0)
    out[24:] = 24 - np.argmax(windows, axis=2)
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("bars-since-high", bars_since_high, inputs=("high",), lookback=25)
