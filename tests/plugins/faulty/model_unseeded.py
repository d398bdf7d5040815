"""Caught by: model same-seed-same-result

It draws from a generator that nobody seeded.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        self.weights_ += np.random.default_rng().normal(0, 1e-4, len(self.weights_))
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-unseeded", Linear, task="regression")
