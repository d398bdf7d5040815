"""Caught by: model search-space

Its search space holds a value that it cannot take.
"""

import numpy as np

import quorate


class Linear:
    def __init__(self, penalty=1.0, solver="ridge"):
        self.penalty = penalty
        self.solver = solver

    def fit(self, X, y):
        if self.solver not in ("ridge", "exact"):
            raise ValueError(f"unknown solver {self.solver!r}")
        A = np.column_stack((np.ones(len(X)), X)).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((np.ones(len(X)), X)).astype(np.float64) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "zoo-impossible-value",
        Linear,
        task="regression",
        space={
            "penalty": quorate.Float(0.1, 10.0, log=True),
            "solver": quorate.Choice(("ridge", "exact", "lars")),
        },
    )
