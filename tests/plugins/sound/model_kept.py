"""A least-squares line whose class says itself what it has learnt: all of it values, no array."""

import numpy as np

import quorate


class Line:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((X, np.ones(len(X)))).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((X, np.ones(len(X)))).astype(np.float64) @ self.weights_

    def state_dict(self):
        return {"weights": self.weights_.tolist()}

    def load_state_dict(self, state):
        self.weights_ = np.array(state["weights"])
        return self


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "kept-line", Line, task="regression", state_dict=Line.state_dict, load_state_dict=Line.load_state_dict
    )
