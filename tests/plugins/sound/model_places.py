"""A straight line for all symbols, and a level of each one that shrinks to it; told the symbol of each row."""

import numpy as np

import quorate


class Levels:
    def __init__(self, shrink=10.0):
        self.shrink = shrink

    def fit(self, X, y, symbol):
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + np.eye(A.shape[1]), A.T @ y)
        rest, count = y - A @ self.weights_, np.bincount(symbol)
        self.levels_ = np.bincount(symbol, weights=rest) / (count + self.shrink)
        return self

    def predict(self, X, symbol):
        line = np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_
        return line + np.where(symbol < 0, 0.0, self.levels_[symbol])


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-levels", Levels, task="regression")
