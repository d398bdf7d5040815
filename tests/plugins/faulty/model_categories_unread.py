"""Caught by: model categories

It says that it takes categories, and reads the numbers of the frame alone.
"""

import numpy as np

import quorate


class Numbers:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def _design(self, X):
        numbers = X.select_dtypes("number").to_numpy() if hasattr(X, "select_dtypes") else X
        return np.column_stack((numbers, np.ones(len(X)))).astype(np.float64)

    def fit(self, X, y):
        A = self._design(X)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return self._design(X) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-categories-unread", Numbers, task="regression", categories=True)
