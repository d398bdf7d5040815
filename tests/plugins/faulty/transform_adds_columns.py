"""Caught by: transform computes

It gives squares beside the columns, and does not say so.
"""

import numpy as np

import quorate


def learn(X, counts):
    return {}


def apply(X, learnt):
    return np.hstack((X, X.astype(np.float64) ** 2))


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("squares", learn, apply=apply)
