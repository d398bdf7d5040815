"""Caught by: model saves

The fitted object holds a function that cannot be stored.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        self.link_ = lambda z: z * 1.0
        return self

    def predict(self, X):
        return self.link_(np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-holds-lambda", Linear, task="regression")
