"""Whether a trial can still beat the best: a paired test over blocks of time."""

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


def p_worse(losses: Floats, of_best: Floats) -> float:
    """Return how likely losses so much above those of the best are, if in truth they are not above them.

    A one-sided paired t-test over blocks (Student 1908). 1 where nothing can be said: fewer than two blocks, or no
    difference.

    Parameters
    ----------
    losses, of_best : ndarray of float64, (n_blocks,)
        Sums over the same blocks.
    """
    difference = losses - of_best
    n = len(difference)
    if n < 2:
        return 1.0
    mean, deviation = float(difference.mean()), float(difference.std(ddof=1))
    if deviation <= 1e-12 * float(np.abs(of_best).mean() + np.abs(mean)):
        return 1.0 if mean <= 0 else 0.0
    from scipy.special import stdtr

    return float(stdtr(n - 1, -mean / (deviation / math.sqrt(n))))
