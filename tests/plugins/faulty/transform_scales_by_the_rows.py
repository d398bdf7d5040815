"""Caught by: transform rows-alone

It is scaled by the mean and deviation of the rows that are turned: of test rows, too.
"""

import quorate


def learn(X, counts):
    return {}


def apply(X, learnt):
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9)


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("by-the-rows", learn, apply=apply)
