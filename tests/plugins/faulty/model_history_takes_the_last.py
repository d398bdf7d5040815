"""Caught by: model history

Asked how it was trained, it goes back to the weights of the last epoch, to tell their loss, and stays there.
"""

import numpy as np

import quorate


class Descent:
    def __init__(self, rate=0.1, epochs=20):
        self.rate, self.epochs = rate, epochs

    def fit(self, X, y):
        self.last_ = np.zeros(X.shape[1])
        self.losses_ = []
        for _ in range(self.epochs):
            errors = X @ self.last_ - y
            self.losses_.append(float(np.mean(errors**2)))
            self.last_ = self.last_ - self.rate * X.T.astype(np.float64) @ errors / len(y)
        self.weights_ = self.last_ / 2
        return self

    def predict(self, X):
        return np.asarray(X, dtype=np.float64) @ self.weights_

    def history(self):
        self.weights_ = self.last_
        return {"epochs": {"train_loss": self.losses_}}


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("zoo-history-last", Descent, task="regression", history=Descent.history)
