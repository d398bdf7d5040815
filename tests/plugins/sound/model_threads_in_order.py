"""Threads, and what they give taken in the order of the tasks."""

from concurrent import futures

import numpy as np

import quorate


def ridge(X, y, alpha):
    A = np.column_stack([np.ones(len(X)), X.astype(float)])
    return np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ y)


def apply(X, w):
    return np.column_stack([np.ones(len(X)), X.astype(float)]) @ w


class M:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def fit(self, X, y):
        with futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda k: ridge(X[k::6], y[k::6], self.alpha), range(6)))
        self.w_ = np.mean(found, axis=0)
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("threads-in-order", M, task="regression")
