"""Caught by: feature input-unmodified

Computes in place, in an array that others read.
"""

import numpy as np

import quorate


def writes_input(close):
    close /= 100.0
    return np.log(close)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("writes-input", writes_input)
