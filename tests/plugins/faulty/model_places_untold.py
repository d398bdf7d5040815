"""Caught by: model places

Its factory is a function, and its spec does not say that it wants to know the symbol: it is never told.
"""

import numpy as np

import quorate


class Levels:
    def fit(self, X, y, symbol=None):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ y)
        self.levels_ = None if symbol is None else np.bincount(symbol, weights=y - A @ self.weights_) / len(y)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


def make():
    return Levels()


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-levels-untold", make, task="regression")
