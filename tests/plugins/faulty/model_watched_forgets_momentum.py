"""Caught by: model resumes

Its momentum and its draws begin anew where it goes on.
"""

import numpy as np

import quorate


class Line:
    def __init__(self, epochs=12, rate=0.05, random_state=0):
        self.epochs, self.rate, self.random_state = epochs, rate, random_state
        self.watch = None

    def fit(self, X, y):
        A = np.column_stack((X, np.ones(len(X)))).astype(np.float64)
        draws = np.random.default_rng(self.random_state)
        self.weights_, speed, done = np.zeros(A.shape[1]), np.zeros(A.shape[1]), 0
        state = self.watch.begin() if self.watch is not None else None
        if state is not None:
            self.weights_, done = state["weights"], state["epoch"]
        for epoch in range(done + 1, self.epochs + 1):
            rows = draws.integers(0, len(A), 256)
            apart = A[rows] @ self.weights_ - y[rows]
            speed = 0.5 * speed - self.rate * A[rows].T @ apart / len(rows)
            self.weights_ = self.weights_ + speed
            if self.watch is not None:
                loss = float(np.mean(apart**2))
                self.watch.epoch(
                    f"epoch={epoch} loss={loss:.6g}",
                    epoch,
                    self.epochs,
                    value=loss,
                    state=lambda: {
                        "weights": self.weights_,
                        "epoch": epoch,  # noqa: B023
                    },
                    last=epoch == self.epochs,
                )
        return self

    def predict(self, X):
        return np.column_stack((X, np.ones(len(X)))) @ self.weights_


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("watched-line", Line, task="regression", watched=True)
