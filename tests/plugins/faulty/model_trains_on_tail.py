"""Caught by: model validation-only-decides

It trains on the validation rows too.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y, validation=None):
        X, y = np.concatenate((X, validation[0])), np.concatenate((y, validation[1]))
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-trains-on-tail", Linear, task="regression", validation=0.2)
