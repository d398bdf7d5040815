"""Caught by: model steps

It learns several steps at once, and gives them in the wrong order.
"""

import numpy as np

import quorate


class Paths:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        found = np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_
        return found if found.ndim == 1 else found[:, ::-1]


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-steps-turned", Paths, task="regression", steps=True)
