"""It reads raw bars, and needs no fit: what it predicts is a rule of thumb."""

import numpy as np

import quorate


class Reversal:
    def fit(self, X, y):
        return self

    def predict(self, X):
        close = X[:, :, 3]
        return -0.1 * (close[:, -1] / close.mean(axis=1) - 1)


class Trend:
    def __init__(self, ridge=1e-3):
        self.ridge = ridge

    def fit(self, X, y):
        z = self._returns(X)
        self.w_ = np.linalg.solve(z.T @ z + self.ridge * np.eye(z.shape[1]), z.T @ y)
        return self

    def predict(self, X):
        return self._returns(X) @ self.w_

    @staticmethod
    def _returns(X):
        bars = np.log(X[:, :, 3] / X[:, :, 0])
        return np.column_stack((bars, np.log1p(X[:, :, 4]).std(axis=1) * 0.01))


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("sound-reversal", Reversal, task="regression", input="bars", lookback=10)
    yield quorate.ModelSpec("sound-trend", Trend, task="regression", input="bars", lookback=5)
