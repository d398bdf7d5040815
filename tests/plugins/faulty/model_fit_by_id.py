"""Caught by: model memory

It keeps what it learnt under the identity of its rows.
"""

import numpy as np

import quorate


def ridge(X, y, alpha):
    A = np.column_stack([np.ones(len(X)), X.astype(float)])
    return np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ y)


def apply(X, w):
    return np.column_stack([np.ones(len(X)), X.astype(float)]) @ w


DONE = {}


class M:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        if id(X) not in DONE:
            DONE[id(X)] = ridge(X, y, self.alpha)
        self.w_ = DONE[id(X)]
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("fit-by-id", M, task="regression")
