"""Caught by: model same-seed-same-result

A counter in the module makes every fit differ from the one before.
"""

import numpy as np

import quorate

COUNT = [0]


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        COUNT[0] += 1
        self.weights_ *= 1 + 0.01 * COUNT[0]
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-counts-fits", Linear, task="regression")
