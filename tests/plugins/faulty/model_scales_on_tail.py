"""Caught by: model validation-only-decides

Its scale is learnt from training and validation rows together.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y, validation=None):
        both = np.concatenate((X, validation[0])).astype(np.float64)
        self.mean_ = both.mean(axis=0)
        X = X - self.mean_
        A = np.column_stack((np.full(len(X), 0.01), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        X = X - self.mean_
        return np.column_stack((np.full(len(X), 0.01), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-scales-on-tail", Linear, task="regression", validation=0.2)
