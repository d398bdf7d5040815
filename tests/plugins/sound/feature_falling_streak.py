"""A flag that is up only after eight falling bars in a row."""

import numpy as np

import quorate


def falling_streak(close):
    fell = np.zeros(close.shape)
    fell[1:] = close[1:] < close[:-1]
    out = np.zeros(close.shape)
    out[8:] = np.lib.stride_tricks.sliding_window_view(fell, 8, axis=0).all(axis=2)[1:]
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("falling-streak", falling_streak, lookback=9)
