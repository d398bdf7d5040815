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


class Persistence:
    """The direction of the last bar's return goes on; its probability is how often it did so far."""

    def fit(self, X: NDArray[np.float64], y: NDArray[np.int64]) -> Self:
        """Count how often the label agreed with the bar's direction; `X` is (n, 2, 5) raw bars."""
        self.hit_ = float(np.mean(self._up(X) == y))
        return self

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities of classes 0 and 1, (n, 2)."""
        # Persistence means persistence: where it was wrong more often, it is still not turned round.
        belief = max(self.hit_, 0.5)
        p = np.where(self._up(X), belief, 1 - belief)
        return np.column_stack((1 - p, p))

    @staticmethod
    def _up(X: NDArray[np.float64]) -> NDArray[np.bool_]:
        up: NDArray[np.bool_] = X[:, -1, CLOSE] > X[:, -2, CLOSE]
        return up
