"""Whether a trial can still win, and whether one lost less than another: paired, over blocks of time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quorate.statistics import Floats

BLOCK = 25  # bars; measured: shorter ones are not independent, longer ones too few


def block_sums(values: Floats, bar: NDArray[np.int64], first: int, stop: int, size: int) -> Floats:
    """Return the sums of values over blocks of `size` bars, from bar `first` to ``stop - 1``, (n_blocks,).

    The bars that do not fill a block belong to the last one.

    Parameters
    ----------
    values : ndarray of float64, (n,)
        One per row.
    bar : ndarray of int64, (n,)
        The bar of each row.
    """
    number = max((stop - first) // size, 1)
    place = np.minimum((bar - first) // size, number - 1)
    return np.bincount(place, weights=values, minlength=number).astype(np.float64)


def chance_to_win(losses: Floats, of_best: Floats) -> float:
    """Return how likely a trial ends below the best, when all blocks are known, by what the first ones say.

    The mean difference over all N blocks, given that over the first n, is foretold by Student's t with n - 1 degrees
    of freedom around it, of variance s^2 (1/n - 1/N) with s their deviation: what is known does not vary any more
    (Geisser 1993, Predictive Inference). So the later it is, the less a trial that lags behind is given.

    Parameters
    ----------
    losses : ndarray of float64, (n,)
        Of the first blocks.
    of_best : ndarray of float64, (N,)
        Of all blocks.

    Returns
    -------
    float
        1 where nothing can be said: fewer than two blocks, or no difference.
    """
    n, total = len(losses), len(of_best)
    return _tail(losses - of_best[:n], max(1 / max(n, 1) - 1 / total, 0.0), of_best)


def p_worse(losses: Floats, of_other: Floats) -> float:
    """Return how likely losses so much above others are, if in truth they are not above them.

    A one-sided paired t-test over blocks (Student 1908). 1 where nothing can be said: fewer than two blocks, or no
    difference.

    Parameters
    ----------
    losses, of_other : ndarray of float64, (n_blocks,)
        Sums over the same blocks.
    """
    return _tail(losses - of_other, 1 / max(len(losses), 1), of_other)


def _tail(difference: Floats, share: float, scale: Floats) -> float:
    """Return the probability of Student's t above the mean of differences over its error, s^2 times `share`."""
    n = len(difference)
    if n < 2:
        return 1.0
    mean, deviation = float(difference.mean()), float(difference.std(ddof=1))
    error = deviation * math.sqrt(share)
    if error <= 1e-12 * float(np.abs(scale).mean() + abs(mean)):
        return 1.0 if mean <= 0 else 0.0
    from scipy.special import stdtr

    return float(stdtr(n - 1, -mean / error))
