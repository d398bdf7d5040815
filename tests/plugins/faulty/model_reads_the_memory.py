"""Caught by: model input-shape

It reads the memory of the windows as if they were contiguous, which views are not.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        X = np.frombuffer(X, dtype=X.dtype).reshape(len(X), -1)
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        X = np.frombuffer(X, dtype=X.dtype).reshape(len(X), -1)
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-reads-the-memory", Linear, task="regression", input="windows", lookback=6)
