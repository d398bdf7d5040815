"""Caught by: model predictions-vary

Its penalty is so large that nothing is left but the mean.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        slope = A[:, 1:].T @ (y - y.mean()) / len(y)
        slope = np.sign(slope) * np.maximum(np.abs(slope) - self.penalty, 0)
        self.weights_ = np.concatenate(([y.mean()], slope))
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-collapsed", Linear, task="regression")
