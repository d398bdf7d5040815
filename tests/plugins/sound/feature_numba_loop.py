"""Compiled by numba, one column at a time."""

import numba
import numpy as np

import quorate


@numba.njit
def column(close):
    out = np.full(len(close), np.nan)
    for t in range(10, len(close)):
        top = close[t - 10 : t + 1].max()
        out[t] = close[t] / top - 1
    return out


def numba_loop(close):
    return np.column_stack([column(np.ascontiguousarray(close[:, j])) for j in range(close.shape[1])])


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("numba-loop", numba_loop, lookback=11)
