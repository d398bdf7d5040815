"""A linear classifier that tells what each feature adds to its log-odds, by a method of its own."""

import numpy as np

import quorate


class Logit:
    def __init__(self, penalty=1.0, steps=8):
        self.penalty, self.steps = penalty, steps

    def fit(self, X, y):
        A = self._terms(X)
        self.weights_ = np.zeros(A.shape[1])
        for _ in range(self.steps):
            p = 1 / (1 + np.exp(-A @ self.weights_))
            curve = (A * (p * (1 - p))[:, None]).T @ A + self.penalty * np.eye(A.shape[1])
            self.weights_ = self.weights_ + np.linalg.solve(curve, A.T @ (y - p) - self.penalty * self.weights_)
        return self

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-self.contributions(X).sum(axis=1)))
        return np.column_stack((1 - p, p))

    def contributions(self, X):
        return self._terms(X) * self.weights_

    @staticmethod
    def _terms(X):
        return np.column_stack((X, np.ones(len(X)))).astype(np.float64)


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("logit", Logit, contributions=Logit.contributions)
