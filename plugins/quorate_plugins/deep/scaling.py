"""How features are scaled: as they were on the training rows, each bar counted as often as a window has it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate import Windows

CHUNK = 65_536  # bars that are read at a time: a copy of all of them would be as large as they are
LOW, HIGH = 0.05, 0.95  # quantiles between which `robust` takes the width
CUT = 10.0  # widths from the centre beyond which a scaled value is cut off

Floats = NDArray[np.float64]


class Scaling(NamedTuple):
    """``(x - centre) / width`` of each feature, cut off at `CUT`.

    Parameters
    ----------
    centre, width : ndarray of float32, (n_features,)
        `width` is 1 where a feature did not move.
    """

    centre: NDArray[np.float32]
    width: NDArray[np.float32]

    def __call__(self, X: NDArray[Any]) -> NDArray[np.float32]:
        """Return scaled features, (..., n_features)."""
        scaled: NDArray[np.float32] = np.clip((X - self.centre) / self.width, -CUT, CUT).astype(np.float32)
        return scaled


def scaling_of(X: NDArray[Any] | Windows, norm: str) -> Scaling:
    """Return the scaling of training rows, (n, n_features), or of windows of them.

    Parameters
    ----------
    norm : {"z-score", "min-max", "robust", "none"}
        Mean and standard deviation (ddof 0); least value and range; median and the width between the quantiles 0.05
        and 0.95, which is that of a normal distribution with deviation 1 after division by 3.29.
    """
    bars, counts = _counted(X)
    n_features = bars.shape[1]
    if norm == "none":
        return Scaling(np.zeros(n_features, dtype=np.float32), np.ones(n_features, dtype=np.float32))
    if norm == "z-score":
        centre = _mean(bars, counts, None)
        width = np.sqrt(_mean(bars, counts, centre))
    elif norm == "min-max":
        used = counts > 0
        centre, high = (np.array([f(bars[used, j]) for j in range(n_features)]) for f in (np.min, np.max))
        width = high - centre
    else:
        found = np.array([_quantiles(bars[:, j], counts, (LOW, 0.5, HIGH)) for j in range(n_features)])
        centre, width = found[:, 1], (found[:, 2] - found[:, 0]) / 3.289707253902945
    return Scaling(centre.astype(np.float32), np.where(width > 1e-8, width, 1.0).astype(np.float32))


def _counted(X: NDArray[Any] | Windows) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return bars, (n, n_features), and how often each counts."""
    if isinstance(X, Windows):
        return X.bars, X.covered()
    flat = X.reshape(-1, X.shape[-1])
    return flat, np.ones(len(flat), dtype=np.int64)


def _mean(bars: NDArray[Any], counts: NDArray[np.int64], around: Floats | None) -> Floats:
    """Return the means of features, or of their squared distances from `around`."""
    total = np.zeros(bars.shape[1])
    for start in range(0, len(bars), CHUNK):
        weights = counts[start : start + CHUNK]
        used = weights > 0
        if used.any():
            values = bars[start : start + CHUNK][used].astype(np.float64)
            total += weights[used] @ (values if around is None else (values - around) ** 2)
    return total / max(int(counts.sum()), 1)


def _quantiles(values: NDArray[Any], counts: NDArray[np.int64], levels: tuple[float, ...]) -> Floats:
    """Return quantiles of values that count several times: the first at which so large a share is reached."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(counts[order])
    places = np.searchsorted(reached, np.array(levels) * reached[-1])
    found: Floats = values[order[np.minimum(places, len(order) - 1)]].astype(np.float64)
    return found
