"""Caught by: model contributions

Its contributions are the sizes of the terms, not the terms.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((X, np.ones(len(X)))).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((X, np.ones(len(X)))).astype(np.float64) @ self.weights_


def sizes(model, X):
    return np.abs(np.column_stack((X, np.ones(len(X)))) * model.weights_)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-contributions-sizes", Linear, task="regression", contributions=sizes)
