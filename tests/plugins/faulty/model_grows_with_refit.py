"""Caught by: model refit-forgets

Its list of members is made in the constructor and grows with every fit.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty
        self.members_ = []

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.members_.append(np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y))
        self.weights_ = np.mean(self.members_, axis=0)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-grows-with-refit", Linear, task="regression")
