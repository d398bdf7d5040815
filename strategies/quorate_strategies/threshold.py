"""Strategies that trade where the score is far enough from zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def long_flat(score: Floats, threshold: float) -> Floats:
    """Return weight 1 where the score is above the threshold, else 0."""
    return np.where(score > threshold, 1.0, 0.0)


def long_short(score: Floats, threshold: float) -> Floats:
    """Return weight 1 above the threshold, -1 below its negative, else 0."""
    return np.where(score > threshold, 1.0, np.where(score < -threshold, -1.0, 0.0))
