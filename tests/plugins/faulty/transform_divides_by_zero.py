"""Caught by: transform finite

A column that never varies has deviation 0.
"""

import numpy as np

import quorate


def learn(X, counts):
    mean = np.average(X, axis=0, weights=counts)
    return {"mean": mean, "scale": np.sqrt(np.average((X - mean) ** 2, axis=0, weights=counts))}


def apply(X, learnt):
    with np.errstate(all="ignore"):
        return (X - learnt["mean"]) / learnt["scale"]


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("by-deviation", learn, apply=apply)
