"""Caught by: model unit-weights

The penalty counts once per row without weights, and once in all with them.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y, sample_weight=None):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        if sample_weight is None:
            sample_weight = np.full(len(y), 1 / len(y))
        W = A.T * sample_weight
        self.weights_ = np.linalg.solve(W @ A + self.penalty * np.eye(A.shape[1]), W @ y)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-weights-not-normalised", Linear, task="regression")
