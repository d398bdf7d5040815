"""Caught by: model restores

Its state lacks the deviation by which the features were scaled: made again, it scales by one.
"""

import numpy as np

import quorate


class Scaled:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        self.mean_, self.scale_ = X.mean(axis=0), X.std(axis=0) + 1e-9
        A = self._design(X)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return self._design(X) @ self.weights_

    def _design(self, X):
        return np.column_stack(((X - self.mean_) / self.scale_, np.ones(len(X)))).astype(np.float64)

    def state_dict(self):
        return {"scaler.mean": self.mean_, "weights": self.weights_}

    def load_state_dict(self, state):
        self.mean_, self.scale_, self.weights_ = state["scaler.mean"], 1.0, state["weights"]
        return self


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "zoo-state-scale",
        Scaled,
        task="regression",
        state_dict=Scaled.state_dict,
        load_state_dict=Scaled.load_state_dict,
    )
