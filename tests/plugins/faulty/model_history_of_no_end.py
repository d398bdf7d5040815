"""Caught by: model history

It notes the training loss once more than the validation loss: which epoch is which cannot be told.
"""

import numpy as np

import quorate


class Descent:
    def __init__(self, rate=0.1, epochs=20):
        self.rate, self.epochs = rate, epochs

    def fit(self, X, y, validation=None):
        self.weights_ = np.zeros(X.shape[1])
        self.train_, self.held_ = [], []
        for _ in range(self.epochs):
            errors = X @ self.weights_ - y
            self.train_.append(float(np.mean(errors**2)))
            self.weights_ = self.weights_ - self.rate * X.T.astype(np.float64) @ errors / len(y)
            self.held_.append(float(np.mean((validation[0] @ self.weights_ - validation[1]) ** 2)))
        self.train_.append(float(np.mean((X @ self.weights_ - y) ** 2)))
        return self

    def predict(self, X):
        return np.asarray(X, dtype=np.float64) @ self.weights_


def history(model):
    return {"epochs": {"train_loss": model.train_, "val_loss": model.held_}}


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-history-ends", Descent, task="regression", validation=0.2, history=history)
