"""What a forecast of prices says of a label: the return from the last close, or the probability that it is above 0."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

CLOSE = 3  # open, high, low, close, volume
LEAST = 8  # closes that a context must have

MOST = 50_000  # forecasts that a process remembers
TENTHS = tuple(k / 10 for k in range(1, 10))

Floats = NDArray[np.float64]

_REMEMBERED: dict[tuple[str, int, bytes], Floats] = {}


class PriceForecaster(ABC):
    """A model that forecasts deciles of a symbol's next closes from its last ones, and learns nothing.

    A label is taken to be what a trade earns from the last close to the close so many bars later: when the order is
    filled is not known yet.

    Parameters
    ----------
    task : {"classification", "regression"}
        Whether the label is a class, 1 where the trade gains, or the return itself.
    horizons : sequence of int
        How many bars each label spans.
    """

    def __init__(self, task: str = "classification", horizons: Sequence[int] = (1,)) -> None:
        self.task, self.horizons = task, horizons

    @abstractmethod
    def quantiles(self, closes: NDArray[np.float32], horizon: int) -> Floats:
        """Return deciles of the next closes, (n, horizon, 9); `closes` are the last, (n, n_bars)."""

    def fit(self, X: Floats, y: NDArray[Any]) -> Self:
        """Learn nothing: `X` is (n, n_bars, 5) raw bars."""
        return self

    def predict(self, X: Floats) -> Floats:
        """Return ``mean`` and the quantiles of the return, (n, 1 + 9)."""
        found = self.returns(X)
        return np.column_stack((means(found, TENTHS), found))

    def predict_proba(self, X: Floats) -> Floats:
        """Return the probabilities of classes 0 and 1, (n, 2)."""
        below = np.array([np.interp(0.0, row, TENTHS, left=0.0, right=1.0) for row in self.returns(X)])
        return np.column_stack((below, 1 - below))

    def returns(self, X: Floats) -> Floats:
        """Return the quantiles of the return over the horizon, (n, 9), ascending.

        What was forecast in this process is remembered by its closes: folds, and a model made of what was kept, ask
        for the same ones.
        """
        closes = np.where(X[:, :, CLOSE] > 0, X[:, :, CLOSE], np.nan)  # rows that fill up a block have no price
        found = np.zeros((len(X), len(TENTHS)))
        known = np.flatnonzero(np.isfinite(closes[:, -1]) & (np.isfinite(closes).sum(axis=1) >= LEAST))
        if len(known):
            ahead = self._ahead(closes[known].astype(np.float32))
            found[known] = np.sort(ahead, axis=1) / closes[known, -1:] - 1
        return found

    def _ahead(self, closes: NDArray[np.float32]) -> Floats:
        """Return the quantiles of the last close of the horizon, (n, 9)."""
        horizon = int(self.horizons[0])
        keys = [
            (type(self).__name__, horizon, hashlib.blake2b(row.tobytes(), digest_size=16).digest()) for row in closes
        ]
        new = [place for place, key in enumerate(keys) if key not in _REMEMBERED]
        if new:
            for place, told in zip(new, self.quantiles(closes[new], horizon)[:, -1], strict=True):
                _REMEMBERED[keys[place]] = told
        found = np.array([_REMEMBERED[key] for key in keys])
        while len(_REMEMBERED) > MOST:  # the oldest first
            del _REMEMBERED[next(iter(_REMEMBERED))]
        return found


def means(quantiles: Floats, levels: Sequence[float]) -> Floats:
    """Return the mean of a distribution of which quantiles are known, (n,): linear between them, flat beyond."""
    edges = np.concatenate(([0.0], np.asarray(levels), [1.0]))
    weight = (np.diff(edges)[:-1] + np.diff(edges)[1:]) / 2
    weight[0] += np.diff(edges)[0] / 2
    weight[-1] += np.diff(edges)[-1] / 2
    mean: Floats = (quantiles * weight).sum(axis=1)  # a product of matrices would depend on the rows beside
    return mean


def outputs(params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a forecaster gives: of a number the mean and its quantiles, of a class its probability."""
    if params.get("task", "classification") == "classification":
        return ()
    return ("mean", *(f"q{level:g}" for level in TENTHS))


def state(model: PriceForecaster) -> dict[str, Any]:
    """Return what it has learnt: nothing, but that it was fitted."""
    return {"horizons": list(model.horizons)}


def load_state(model: PriceForecaster, told: Mapping[str, Any]) -> PriceForecaster:
    """Return it as it was."""
    model.horizons = tuple(told["horizons"])
    return model
