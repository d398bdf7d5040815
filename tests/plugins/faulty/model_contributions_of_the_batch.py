"""Caught by: model contributions

Its contributions are told against the mean of the rows that are asked about.
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


def against_the_mean(model, X):
    middle = X.astype(np.float64).mean(axis=0)
    terms = (X - middle) * model.weights_[:-1]
    return np.column_stack((terms, np.full(len(X), middle @ model.weights_[:-1] + model.weights_[-1])))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-contributions-batch", Linear, task="regression", contributions=against_the_mean)
