"""Caught by: model constant-label

It divides by the deviation of the labels.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        self.scale_ = y.std()
        self.mean_ = y.mean()
        y = (y - self.mean_) / self.scale_
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return self.mean_ + self.scale_ * np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_ * 1.0


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-constant-label", Linear, task="regression")
