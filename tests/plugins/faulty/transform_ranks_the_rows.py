"""Caught by: transform rows-alone

The rank is that among the rows beside it.
"""

import quorate


def learn(X, counts):
    return {}


def apply(X, learnt):
    return X.argsort(axis=0).argsort(axis=0) / len(X)


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("ranked", learn, apply=apply)
