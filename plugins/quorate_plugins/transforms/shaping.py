"""Functions of single values: logarithms, limits, ranks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.transforms._base import Counts, Learnt, Rows, held, sorted_column

LEAST = float(np.nextafter(np.float32(-1), np.float32(0)))  # of which log1p is finite


def nothing(X: Rows, counts: Counts) -> Learnt:
    """Learn nothing: the values alone say what becomes of them."""
    return {}


def log1p(X: Rows, counts: Counts) -> Learnt:
    """Learn nothing, and refuse what has no logarithm."""
    wrong = (X <= -1).any(axis=0)
    if wrong.any():
        j = int(wrong.argmax())
        raise ValueError(
            f"it takes values above -1, such as volumes; column {j} goes down to {X[:, j].min():g}: sign-log takes any"
        )
    return {}


def apply_log1p(X: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return ``log(1 + x)``; a later value that has none counts as the least that has."""
    return np.log1p(np.maximum(X, LEAST, dtype=np.float64))


def undo_log1p(columns: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return the values of which these are ``log(1 + x)``."""
    with np.errstate(over="ignore"):
        return held(np.expm1(columns.astype(np.float64)))


def apply_sign_log(X: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return ``sign(x) log(1 + |x|)``."""
    return np.sign(X) * np.log1p(np.abs(X).astype(np.float64))


def undo_sign_log(columns: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return the values of which these are ``sign(x) log(1 + |x|)``."""
    with np.errstate(over="ignore"):
        return held(np.sign(columns) * np.expm1(np.abs(columns).astype(np.float64)))


def clip(X: Rows, counts: Counts, low: float = -5.0, high: float = 5.0) -> Learnt:
    """Learn nothing but the limits.

    Parameters
    ----------
    low : float
        Least value: what is below becomes it.
    high : float
        Greatest value.
    """
    if not low < high:
        raise ValueError(f"low must be below high; they were {low:g} and {high:g}")
    return {"low": np.asarray(low, dtype=np.float64), "high": np.asarray(high, dtype=np.float64)}


def apply_clip(X: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return the values within the limits."""
    return np.clip(X.astype(np.float64), learnt["low"], learnt["high"])


def rank_normal(X: Rows, counts: Counts, points: int = 1000) -> Learnt:
    """Learn where the values of each column lie: its quantiles at equal steps of the rank.

    Parameters
    ----------
    points : int
        Most quantiles of a column; between two of them ranks are interpolated.
    """
    from scipy.special import ndtri

    if points < 3:
        raise ValueError(f"points must be 3 or more; it was {points}")
    total = int(counts.sum())
    places = np.unique(np.round(np.linspace(0, total - 1, min(points, total))).astype(np.int64))
    values = np.empty((len(places), X.shape[1]))
    for j in range(X.shape[1]):
        ordered, behind = sorted_column(X[:, j], counts)
        values[:, j] = ordered[np.searchsorted(behind, places, side="right")]
    return {"values": values, "normal": ndtri((places + 0.5) / total)}


def apply_rank_normal(X: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return the normal quantile of each value's rank; equal training values share the middle of theirs."""
    found = np.empty(X.shape)
    for j, values in enumerate(learnt["values"].T):
        found[:, j] = np.interp(X[:, j], *ranks(values, learnt["normal"]))
    return found


def ranks(values: NDArray[np.float64], normal: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the different values of a column, and the normal quantile of the middle of their ranks."""
    known = np.unique(values)
    first, last = (np.searchsorted(values, known, side=side) for side in ("left", "right"))
    return known, (normal[first] + normal[last - 1]) / 2
