"""Caught by: model goes-on

Where it goes on, it takes no step.
"""

import numpy as np

import quorate


class Line:
    def __init__(self, steps=50, warm_steps=5, rate=0.1):
        self.steps, self.warm_steps, self.rate = steps, warm_steps, rate

    def fit(self, X, y, start=None):
        X = X.astype(np.float64)
        self.centre_, self.width_ = (X.mean(axis=0), X.std(axis=0) + 1e-9) if start is None else start.scaler()
        self.weights_ = np.zeros(X.shape[1] + 1) if start is None else start.weights_.copy()
        for _ in range(self.steps if start is None else 0):
            self.weights_ -= self.rate * self._design(X).T @ (self._design(X) @ self.weights_ - y) / len(y)
        return self

    def predict(self, X):
        return self._design(X.astype(np.float64)) @ self.weights_

    def _design(self, X):
        return np.column_stack(((X - self.centre_) / self.width_, np.ones(len(X))))

    def scaler(self):
        return self.centre_, self.width_


def state(model):
    return {"weights": model.weights_, "scaler.centre": model.centre_, "scaler.width": model.width_}


def load(model, state):
    model.weights_, model.centre_, model.width_ = state["weights"], state["scaler.centre"], state["scaler.width"]
    return model


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "steps-down",
        Line,
        task="regression",
        state_dict=state,
        load_state_dict=load,
        warm={"warm_steps": 0},
    )
