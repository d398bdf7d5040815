"""Caught by: model restores

Its state holds the weights in single precision: made again, it predicts almost the same.
"""

import numpy as np

import quorate


class Single:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((X, np.ones(len(X)))).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((X, np.ones(len(X)))).astype(np.float64) @ self.weights_


def state_dict(model):
    return {"weights": model.weights_.astype(np.float32)}


def load_state_dict(model, state):
    model.weights_ = state["weights"].astype(np.float64)
    return model


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "zoo-state-single", Single, task="regression", state_dict=state_dict, load_state_dict=load_state_dict
    )
