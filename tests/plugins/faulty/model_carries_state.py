"""Caught by: model subset-invariant

It smooths each prediction with the row before it in the batch.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        raw = np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_
        return 0.5 * raw + 0.5 * np.concatenate((raw[:1], raw[:-1]))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-carries-state", Linear, task="regression")
