"""It reads the clock to tell how long it took."""

import time

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
        start = time.time()
        self.w_ = ridge(X, y, self.alpha)
        self.seconds_ = time.time() - start
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("times-itself", M, task="regression")
