"""Caught by: transform deterministic

It learns from a sample that is drawn anew every time.
"""

import numpy as np

import quorate


def learn(X, counts):
    some = np.random.default_rng().choice(len(X), max(len(X) // 2, 1), p=counts / counts.sum())
    return {"mean": X[some].mean(axis=0, dtype=np.float64)}


def apply(X, learnt):
    return X - learnt["mean"]


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("sampled", learn, apply=apply)
