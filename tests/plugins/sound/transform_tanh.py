"""Nothing is learnt: what is large is bent."""

import numpy as np

import quorate


def learn(X, counts, width=3.0):
    return {"width": width}


def apply(X, learnt):
    return learnt["width"] * np.tanh(X / learnt["width"])


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("tanh", learn, apply=apply)
