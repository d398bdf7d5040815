"""Caught by: model probabilities

The two columns do not sum to one.
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

    def predict_proba(self, X):
        z = np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_
        p = 1 / (1 + np.exp(-4 * (z - 0.5)))
        return np.column_stack((0.9 - 0.8 * p, p))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-columns-do-not-sum", Linear)
