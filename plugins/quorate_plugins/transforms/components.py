"""Principal components (Pearson, 1901; Hotelling, 1933)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.transforms._base import Counts, Learnt, Rows, held


def pca(X: Rows, counts: Counts, components: int | float = 0.95) -> Learnt:
    """Learn the directions in which the training rows vary most.

    The largest weight of each is positive, so that its sign is no matter of chance. Columns of different units are
    brought to one scale before, e.g. by ``z-score``.

    Parameters
    ----------
    components : int or float
        How many, at most one a column; or, below 1, the share of the variance that they hold together.
    """
    width = X.shape[1]
    if isinstance(components, int) and not 1 <= components <= width:
        raise ValueError(f"components must be 1 to {width}, the number of columns; it was {components}")
    if isinstance(components, float) and not 0 < components < 1:
        raise ValueError(f"components must be a whole number, or a share between 0 and 1; it was {components:g}")
    mean = np.average(X, axis=0, weights=counts).astype(np.float64)
    away = X - mean
    with np.errstate(over="ignore"):
        variances, directions = np.linalg.eigh((away * counts[:, None]).T @ away / counts.sum())
    variances, directions = np.maximum(variances[::-1], 0.0), directions[:, ::-1]
    if isinstance(components, float):
        held_by = np.cumsum(variances) / max(float(variances.sum()), np.finfo(np.float64).tiny)
        components = min(int(np.searchsorted(held_by, components)) + 1, width) if variances.sum() else 1
    chosen = directions[:, :components]
    largest = np.abs(chosen).argmax(axis=0)
    chosen = chosen * np.sign(chosen[largest, np.arange(components)])
    return {"mean": mean, "directions": np.ascontiguousarray(chosen)}


def apply(X: Rows, learnt: Learnt) -> NDArray[np.float64]:
    """Return how far each row lies along each direction."""
    return held((X - learnt["mean"]) @ learnt["directions"])
