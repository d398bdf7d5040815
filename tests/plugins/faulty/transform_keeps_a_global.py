"""Caught by: transform state-is-all

The mean lies in the module: what is kept of it is nothing.
"""

import numpy as np

import quorate

_mean = {}


def learn(X, counts):
    _mean["is"] = np.average(X, axis=0, weights=counts)
    return {}


def apply(X, learnt):
    return X - _mean["is"]


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("by-a-global", learn, apply=apply)
