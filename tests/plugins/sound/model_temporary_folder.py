"""Files, in a folder that is removed."""

import os
import tempfile

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
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.npy")
            np.save(path, X)
            self.w_ = ridge(np.load(path), y, self.alpha)
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("temporary-folder", M, task="regression")
