"""The model: nearest analogues (Lorenz 1969; kernel-weighted nearest neighbours)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PRIORS = (5.0, 20.0, 80.0, 320.0)


class Analogues:
    """Probability of a rise: how often it rose after the stretches most like the last days.

    A stretch is a window of bars, each with its standardised features; the newer a bar, the more it counts
    in the distance. The share of rises among the nearest is drawn towards the share among all, as
    strongly as served best on the validation rows.

    Parameters
    ----------
    neighbours : int
        How many stretches of the past are asked; all of them, if there are fewer.
    fading : float
        Weight of a bar relative to the next newer one, 0 < fading <= 1.
    """

    def __init__(self, neighbours: int = 100, fading: float = 0.8) -> None:
        self.neighbours = neighbours
        self.fading = fading

    def fit(self, X: Array, y: Array, validation: tuple[Array, Array] | None = None) -> Self:
        """Remember the stretches and what followed.

        Parameters
        ----------
        X : ndarray, (n, lookback, n_features)
            Oldest bar first.
        y : ndarray of int, (n,)
            0 or 1.
        validation : tuple of ndarray, optional
            Later rows, by which the pull towards the mean is chosen.
        """
        if self.neighbours < 1 or not 0 < self.fading <= 1:
            raise ValueError(
                f"neighbours must be at least 1 and fading in (0, 1]; they were {self.neighbours} and {self.fading}"
            )
        newest = X[:, -1, :].astype(np.float64)
        self.mean_ = newest.mean(axis=0)
        self.scale_ = np.maximum(newest.std(axis=0), 1e-9)
        self.stretches_ = self._flat(X)
        self.followed_ = np.asarray(y, dtype=np.float64)
        self.share_ = float(self.followed_.mean())
        self.prior_ = PRIORS[1]
        if validation is not None and len(validation[1]):
            rises, asked = self._ask(validation[0])
            losses = [_log_loss(self._drawn(rises, asked, prior), validation[1]) for prior in PRIORS]
            self.prior_ = PRIORS[int(np.argmin(losses))]
        return self

    def predict_proba(self, X: Array) -> Array:
        """Return the probabilities of 0 and 1, (n, 2)."""
        p = self._drawn(*self._ask(X), self.prior_)
        return np.column_stack((1.0 - p, p))

    def _flat(self, X: Array) -> Array:
        age = np.arange(X.shape[1])[::-1]
        weight = np.sqrt(self.fading**age)[:, None]
        scaled = (X - self.mean_) / self.scale_ * weight
        return np.ascontiguousarray(scaled.reshape(len(X), -1))

    def _ask(self, X: Array) -> tuple[Array, float]:
        """Return the weighted rises among each row's nearest stretches, and the weight of all that are asked."""
        asked = self._flat(X)
        distance = (asked**2).sum(axis=1)[:, None] - 2.0 * asked @ self.stretches_.T + (self.stretches_**2).sum(axis=1)
        count = min(self.neighbours, len(self.followed_))
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
        # The nearest counts fully, the farthest hardly; by rank, which no unit or outlier upsets.
        weight = 1.0 - np.arange(count) / count
        return (self.followed_[nearest] * weight).sum(axis=1), float(weight.sum())

    def _drawn(self, rises: Array, asked: float, prior: float) -> Array:
        return (rises + prior * self.share_) / (asked + prior)


def _log_loss(p: Array, y: Array) -> float:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return float(-np.mean(np.where(np.asarray(y) > 0.5, np.log(p), np.log1p(-p))))
