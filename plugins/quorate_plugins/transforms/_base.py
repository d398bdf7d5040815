"""What the built-in transforms share: quantiles of counted rows, and the numbers that single precision holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
Counts = NDArray[np.int64]
Learnt = dict[str, NDArray[np.float64]]
MOST = float(np.finfo(np.float32).max)


def held(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values that single precision holds: what is beyond it becomes its greatest number."""
    return np.clip(values, -MOST, MOST)


def sorted_column(values: Rows, counts: Counts) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the values in order, and at which place behind the last of each the next one begins, counted."""
    order = np.argsort(values, kind="stable")
    return values[order].astype(np.float64), np.cumsum(counts[order])


def quantiles(X: Rows, counts: Counts, shares: tuple[float, ...]) -> NDArray[np.float64]:
    """Return quantiles of each column, (n_shares, n_columns), as of rows that stand there as often as they count.

    Between two values they are interpolated (Hyndman and Fan, 1996, definition 7, the usual one).
    """
    found = np.empty((len(shares), X.shape[1]))
    for j in range(X.shape[1]):
        values, behind = sorted_column(X[:, j], counts)
        place = (behind[-1] - 1) * np.asarray(shares)
        below = np.floor(place)
        low, high = (values[np.searchsorted(behind, at, side="right")] for at in (below, np.ceil(place)))
        found[:, j] = low + (place - below) * (high - low)
    return found
