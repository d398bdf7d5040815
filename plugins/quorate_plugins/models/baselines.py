"""The baselines that every run carries."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

CLOSE = 3  # open, high, low, close, volume


class Majority:
    """Always the share of positive labels in the training rows: what is known without any feature."""

    def fit(self, X: NDArray[Any], y: NDArray[np.int64]) -> Self:
        """Count the labels."""
        self.share_ = float(np.mean(y))
        return self

    def predict_proba(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probabilities of classes 0 and 1, (n, 2)."""
        return np.tile([1 - self.share_, self.share_], (len(X), 1))


class PastMean:
    """Always the mean of the labels of the training rows: what is known of a number without any feature."""

    def fit(self, X: NDArray[Any], y: NDArray[np.float64]) -> Self:
        """Take the mean of the labels."""
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Return the mean for each row, (n,)."""
        return np.full(len(X), self.mean_)


class Persistence:
    """What the last bar did goes on: its direction, with the share of times that it did so far, or its return.

    Parameters
    ----------
    task : {"classification", "regression"}
        Whether the label is a class or a number.
    """

    def __init__(self, task: str = "classification") -> None:
        self.task = task

    def fit(self, X: NDArray[np.float64], y: NDArray[Any]) -> Self:
        """Count how often a class agreed with the bar's direction; `X` is (n, 2, 5) raw bars."""
        self.hit_ = float(np.mean(self._up(X) == y)) if self.task == "classification" else 0.0
        return self

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of classes 0 and 1, (n, 2)."""
        # Persistence means persistence: where it was wrong more often, it is still not turned round.
        belief = max(self.hit_, 0.5)
        p = np.where(self._up(X), belief, 1 - belief)
        return np.column_stack((1 - p, p))

    def predict(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the last bar's return, close to close, (n,)."""
        before = X[:, -2, CLOSE]
        known = before > 0  # the rows of zeros that fill up a block have no price
        last: NDArray[np.float64] = np.divide(X[:, -1, CLOSE], before, out=np.ones(len(X)), where=known) - 1
        return last

    @staticmethod
    def _up(X: NDArray[np.float64]) -> NDArray[np.bool_]:
        up: NDArray[np.bool_] = X[:, -1, CLOSE] > X[:, -2, CLOSE]
        return up
