"""Strategies that hold the more, the stronger the score."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

Floats = NDArray[np.float64]


def proportional(
    score: Floats, threshold: float, scale: Annotated[float, Field(ge=0)] = 0.0, long_only: bool = True
) -> Floats:
    """Return weights in proportion to the score, at most 1 in size, and 0 where it is not beyond the threshold.

    Parameters
    ----------
    score : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no prediction.
    threshold : float
        The size up to which a score is not traded.
    scale : float
        The score at which the weight is 1. 0 takes the root mean square of the symbol's scores so far, that of
        the bar included.
    long_only : bool
        No short positions.
    """
    if not scale:
        known = np.isfinite(score)
        squares = np.cumsum(np.where(known, score, 0.0) ** 2, axis=0)
        size = np.sqrt(squares / np.maximum(np.cumsum(known, axis=0), 1))
    else:
        size = np.full(score.shape, scale)
    return _bounded(score, threshold, np.divide(score, size, out=np.zeros(score.shape), where=size > 0), 1.0, long_only)


def kelly(
    score: Floats,
    threshold: float,
    close: Floats,
    binary: bool,
    horizon: int,
    fraction: Annotated[float, Field(gt=0)] = 0.5,
    cap: Annotated[float, Field(gt=0, le=1)] = 1.0,
    long_only: bool = True,
) -> Floats:
    """Return a fraction of the weights that make capital grow fastest, 0 where the score is not beyond the threshold.

    For a probability it is that of an even bet, ``2p - 1`` (Kelly 1956); for an expected return, expectation
    over variance (Thorp 2006). The variance is that of all close-to-close returns so far, times the horizon;
    where it is not defined the weight is 0.

    Parameters
    ----------
    score, close : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no prediction, and no bar.
    threshold : float
        The size up to which a score is not traded.
    binary, horizon : bool, int
        Whether the score is ``2p - 1``; bars that an expected return is earned over.
    fraction : float
        Of the full Kelly weight: expectations are uncertain, and too large a weight costs more than too small a one.
    cap : float
        The largest weight.
    long_only : bool
        No short positions.
    """
    if binary:
        return _bounded(score, threshold, fraction * score, cap, long_only)
    import pandas as pd

    frame = pd.DataFrame(close)
    variance = (frame / frame.ffill().shift() - 1).expanding(2).var().to_numpy() * horizon
    full = np.divide(score, variance, out=np.zeros(score.shape), where=variance > 0)
    return _bounded(score, threshold, fraction * full, cap, long_only)


def meta(
    score: Floats,
    threshold: float,
    side: Floats,
    binary: bool,
    sizing: Literal["whole", "bet"] = "whole",
    step: Annotated[float, Field(ge=0, le=1)] = 0.0,
) -> Floats:
    """Return the side of the primary rule where the score is above the threshold, else 0: it is followed, or vetoed.

    Parameters
    ----------
    score, side : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no prediction; 1, -1 or 0.
    threshold : float
        The score up to which the rule is not followed.
    binary : bool
        Whether the score is ``2p - 1``, `p` the probability that following pays.
    sizing : str
        ``whole``: weight 1. ``bet``: the more sure, the larger, ``2 N(z) - 1`` with ``z = (p - 1/2) / sqrt(p (1 - p))``
        and N of the normal distribution (Lopez de Prado 2018, ch. 10).
    step : float
        A bet is rounded to multiples of it, so that it is not changed at every bar; 0: not at all.
    """
    follow = np.isfinite(score) & (score > threshold)
    if sizing == "whole":
        return np.where(follow, side, 0.0)
    if not binary:
        raise ValueError('sizing = "bet" is of the probability that following pays; this score is an expected return')
    from scipy.special import ndtr

    sure = np.clip(np.nan_to_num(score), -1.0, 1.0)
    with np.errstate(divide="ignore"):
        size = 2 * ndtr(sure / np.sqrt(1 - sure**2)) - 1
    if step:
        size = np.minimum(np.round(size / step) * step, 1.0)
    return np.where(follow, side * size, 0.0)


def _bounded(score: Floats, threshold: float, weights: Floats, most: float, long_only: bool) -> Floats:
    bounded = np.clip(weights, 0.0 if long_only else -most, most)
    return np.where(np.abs(score) > threshold, bounded, 0.0)
