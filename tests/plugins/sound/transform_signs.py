"""New columns: the sign of each, and how many are above their median; what is learnt are booleans, too."""

import numpy as np

import quorate


def learn(X, counts):
    varies = X[counts > 0].min(axis=0) < X[counts > 0].max(axis=0)
    return {"varies": varies, "mean": np.average(X, axis=0, weights=counts)}


def apply(X, learnt):
    above = np.where(learnt["varies"], np.sign(X - learnt["mean"].astype(np.float32)), 0.0)
    return np.column_stack((above, above.sum(axis=1)))


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("signs", learn, apply=apply, renames="sign")
