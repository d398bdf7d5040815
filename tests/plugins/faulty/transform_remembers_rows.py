"""Caught by: transform training-rows-only

All rows that were ever turned are scaled by, as if one scaler had been fitted on the whole history.
"""

import numpy as np

import quorate

_seen = []


def learn(X, counts):
    every = np.concatenate([X, *(some for some in _seen if some.shape[1] == X.shape[1])])
    return {"mean": every.mean(axis=0, dtype=np.float64), "scale": every.std(axis=0, dtype=np.float64) + 1e-9}


def apply(X, learnt):
    _seen.append(np.array(X))
    return (X - learnt["mean"]) / learnt["scale"]


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("whole-history", learn, apply=apply)
