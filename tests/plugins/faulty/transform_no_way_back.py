"""Caught by: transform inverse

What lies beyond the limits does not come back.
"""

import numpy as np

import quorate


def learn(X, counts):
    return {}


def apply(X, learnt):
    return np.clip(X, -1, 1)


def inverse(columns, learnt):
    return columns


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("there-only", learn, apply=apply, inverse=inverse)
