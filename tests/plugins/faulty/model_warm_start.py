"""Caught by: model refit-forgets

It goes on from the weights of the fit before.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        w = getattr(self, "weights_", np.zeros(A.shape[1]))
        for _ in range(20):
            w = w - 0.1 * (A.T @ (A @ w - y)) / len(y)
        self.weights_ = w
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-warm-start", Linear, task="regression")
