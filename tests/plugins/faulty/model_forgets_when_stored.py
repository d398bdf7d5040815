"""Caught by: model saves

What it learnt is kept in the module by the object's address, and lost when it is stored.
"""

import numpy as np

import quorate

LEARNT = {}


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        LEARNT[id(self)] = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ LEARNT[id(self)]


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-forgets-when-stored", Linear, task="regression")
