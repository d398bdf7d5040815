"""Caught by: transform counts

Bars that many windows share count as often as those that one holds.
"""

import numpy as np

import quorate


def learn(X, counts):
    return {"mean": X.mean(axis=0, dtype=np.float64)}


def apply(X, learnt):
    return X - learnt["mean"]


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("uncounted", learn, apply=apply)
