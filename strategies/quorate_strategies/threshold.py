"""Strategies that trade where the score is far enough from zero."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Floats = NDArray[np.float64]
Fraction = Annotated[float, Field(ge=0, le=1)]


def long_flat(score: Floats, threshold: float, hysteresis: Fraction = 0.0) -> Floats:
    """Return weight 1 from where the score is above the threshold until it has fallen far enough, else 0.

    Parameters
    ----------
    score : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no prediction; the weight there is 0 and a position is kept.
    threshold : float
        A position is entered above it.
    hysteresis : float
        A position is left at or below ``threshold * (1 - hysteresis)``; 0 is at the threshold itself.
    """
    return np.where(np.isnan(score), 0.0, _in(score, threshold, hysteresis))


def long_short(score: Floats, threshold: float, hysteresis: Fraction = 0.0) -> Floats:
    """Return weight 1 above the threshold, -1 below its negative, until the score has come back far enough, else 0.

    Parameters
    ----------
    hysteresis : float
        A position is left at ``threshold * (1 - hysteresis)``, a short one at its negative; 0 is at the
        threshold itself.
    """
    long, short = _in(score, threshold, hysteresis), _in(-score, threshold, hysteresis)
    return np.where(np.isnan(score), 0.0, long - short)


def _in(score: Floats, threshold: float, hysteresis: float) -> Floats:
    """Return 1 from the last row above the threshold to the next at or below the level to leave at, else 0."""
    enter, leave = score > threshold, score <= threshold * (1 - hysteresis)
    rows = np.arange(len(score))[:, None]
    entered, left = (np.maximum.accumulate(np.where(event, rows, -1), axis=0) for event in (enter, leave))
    return np.where(entered > left, 1.0, 0.0)
