"""Caught by: transform computes

What it learns is a list of pairs.
"""

import quorate


def learn(X, counts):
    return [("mean", X.mean(axis=0))]


def apply(X, learnt):
    return X - dict(learnt)["mean"]


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("pairs", learn, apply=apply)
