"""Caught by: model parameters-round-trip

It changes the parameters of its spec, which all fits share.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, settings=None):
        self.settings = settings

    def fit(self, X, y):
        penalty = self.settings.setdefault("penalty", 1.0)
        self.settings["n"] = len(X)
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-mutates-params", Linear, task="regression", params={"settings": {}})
