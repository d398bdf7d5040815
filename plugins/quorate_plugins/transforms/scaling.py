"""Columns less a centre, over a scale: both learnt from the training rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.transforms._base import Counts, Learnt, Rows, held, quantiles


def z_score(X: Rows, counts: Counts) -> Learnt:
    """Learn mean and standard deviation (ddof 0) of each column; a column that never varies has scale 1."""
    mean = np.average(X, axis=0, weights=counts).astype(np.float64)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=counts))
    return _scale(X, counts, mean, deviation)


def min_max(X: Rows, counts: Counts) -> Learnt:
    """Learn the least value of each column, and how far the greatest lies above it."""
    seen = X[counts > 0].astype(np.float64)
    low = seen.min(axis=0)
    return _scale(X, counts, low, seen.max(axis=0) - low)


def robust(X: Rows, counts: Counts, low: float = 0.05, high: float = 0.95) -> Learnt:
    """Learn the median of each column, and the range between two quantiles, which a few wild values do not change.

    Parameters
    ----------
    low : float
        Quantile at which the range begins.
    high : float
        Quantile at which it ends.
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"low and high must be shares, 0 <= low < high <= 1; they were {low:g} and {high:g}")
    below, median, above = quantiles(X, counts, (low, 0.5, high))
    return _scale(X, counts, median, above - below)


def _scale(X: Rows, counts: Counts, centre: NDArray[np.float64], scale: NDArray[np.float64]) -> Learnt:
    # Rounding may leave a deviation of equal values just above zero.
    varies = np.ptp(X[counts > 0], axis=0) > 0
    return {"centre": centre, "scale": np.where(varies & (scale > 0), scale, 1.0)}


def scaled(X: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return the columns less their centre, over their scale."""
    with np.errstate(over="ignore"):
        return held((X - learnt["centre"]) / learnt["scale"])


def unscaled(columns: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return what the columns were made of."""
    return held(columns * learnt["scale"] + learnt["centre"])
