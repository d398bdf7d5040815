"""Caught by: model subset-invariant

It predicts ranks among the rows that are predicted together.
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
        return raw.argsort().argsort() / len(raw) * 0.01


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-ranks-test-rows", Linear, task="regression")
