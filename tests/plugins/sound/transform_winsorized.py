"""Limits at quantiles of the training rows, by what each row counts."""

import numpy as np

import quorate


def learn(X, counts, share=0.05):
    limits = np.empty((2, X.shape[1]))
    for j, column in enumerate(X.T):
        order = np.argsort(column)
        rank = np.cumsum(counts[order])
        at = np.searchsorted(rank, (share * rank[-1], (1 - share) * rank[-1]))
        limits[:, j] = column[order][at]
    return {"limits": limits}


def apply(X, learnt):
    return np.clip(X, *learnt["limits"])


@quorate.hookimpl
def quorate_transforms():
    yield quorate.TransformSpec("winsorized", learn, apply=apply)
