"""Caught by: model restores

Its state is a number under which the module keeps the weights: another process does not have them.
"""

import numpy as np

import quorate

KEPT = {}


class Global:
    def __init__(self, penalty=1.0):
        self.penalty = penalty

    def fit(self, X, y):
        A = np.column_stack((X, np.ones(len(X)))).astype(np.float64)
        self.weights_ = np.linalg.solve(A.T @ A + self.penalty * np.eye(A.shape[1]), A.T @ y)
        return self

    def predict(self, X):
        return np.column_stack((X, np.ones(len(X)))).astype(np.float64) @ self.weights_


def state_dict(model):
    KEPT[len(KEPT)] = model.weights_
    return {"number": len(KEPT) - 1}


def load_state_dict(model, state):
    model.weights_ = KEPT[state["number"]]
    return model


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "zoo-state-global", Global, task="regression", state_dict=state_dict, load_state_dict=load_state_dict
    )
