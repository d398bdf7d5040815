"""Caught by: model threads

It weighs what its threads learnt by the order in which they ended.
"""

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
        jobs = []
        with futures.ThreadPoolExecutor(4) as pool:
            for k in range(6):
                rows = np.arange(k, len(X), 6)
                jobs.append(pool.submit(ridge, X[rows], y[rows], self.alpha))
            found = [job.result() for job in futures.as_completed(jobs)]
        weight = 0.5 ** np.arange(len(found))
        self.w_ = sum(w * f for w, f in zip(weight / weight.sum(), found, strict=True))
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("as-completed", M, task="regression")
