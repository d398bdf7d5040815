"""Threads of a library that keeps their order."""

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
        from joblib import Parallel, delayed

        found = Parallel(n_jobs=2, backend="threading")(delayed(ridge)(X[k::4], y[k::4], self.alpha) for k in range(4))
        self.w_ = np.mean(found, axis=0)
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("joblib-threads", M, task="regression")
