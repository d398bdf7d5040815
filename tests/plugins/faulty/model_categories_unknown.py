"""Caught by: model categories

What it has not seen in training is NaN.
"""

import numpy as np

import quorate


class Shares:
    def fit(self, X, y):
        self.mean_, self.shares_ = float(np.mean(y)), {}
        if hasattr(X, "columns"):
            kinds = X.select_dtypes("category").iloc[:, 0]
            self.shares_ = {kind: float(np.mean(y[(kinds == kind).to_numpy()])) for kind in kinds.unique()}
        return self

    def predict(self, X):
        if not hasattr(X, "columns"):
            return np.full(len(X), self.mean_) + 1e-3 * np.tanh(X[:, 0])
        return X.select_dtypes("category").iloc[:, 0].map(self.shares_).astype(float).to_numpy()


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-categories-unknown", Shares, task="regression", categories=True)
