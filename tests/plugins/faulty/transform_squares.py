"""Caught by: transform finite

The square of a large value is beyond single precision.
"""

import numpy as np

import quorate


def learn(X, counts):
    return {}


def apply(X, learnt):
    return np.sign(X) * X.astype(np.float64) ** 2


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("squared", learn, apply=apply)
