"""A recursion by scipy.signal.lfilter; a symbol's missing end is NaN."""

import numpy as np

import quorate


def lfilter(close):
    import scipy.signal

    returns = np.zeros_like(close)
    returns[1:] = np.log(close[1:] / close[:-1])
    return scipy.signal.lfilter([0.2], [1.0, -0.8], returns, axis=0)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("lfilter", lfilter, lookback=45, recursive=True)
