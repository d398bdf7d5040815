"""One symbol and one bar at a time, in plain Python."""

import numpy as np

import quorate


def python_loop(open, close):
    out = np.zeros(close.shape)
    for j in range(close.shape[1]):
        for t in range(close.shape[0]):
            out[t, j] = close[t, j] / open[t, j] - 1
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("python-loop", python_loop, inputs=("open", "close"))
