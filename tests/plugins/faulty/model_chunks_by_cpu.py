"""Caught by: model surroundings

It learns from as many parts as the machine has processors.
"""

import os

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
        n = os.cpu_count() or 1
        self.w_ = np.mean([ridge(X[k::n], y[k::n], self.alpha) for k in range(n)], axis=0)
        return self

    def predict(self, X):
        return apply(X, self.w_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("chunks-by-cpu", M, task="regression")
