"""Caught by: model probabilities

A straight line is no probability: far out it leaves 0..1.
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
        p = z
        return np.column_stack((1 - p, p))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-unclipped", Linear)
