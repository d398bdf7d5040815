"""The model confidence set: which of many models the data cannot tell from the best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import TINY, block_length
from quorate.statistics._boundary import Block, Count, Floats, Matrix, Natural, Number, Share, checked


@dataclass(frozen=True)
class ConfidenceSet:
    """Which models may be the best.

    Parameters
    ----------
    p_models : tuple of float
        Per model, the smallest size at which it is left out of the set.
    n, draws, seed : int
    block : float
        Mean block of the resampling, in bars.
    """

    p_models: tuple[float, ...]
    n: int
    draws: int
    seed: int
    block: float

    @checked
    def included(self, size: Share = 0.10) -> tuple[int, ...]:
        """Return the positions of the models in the set, which holds the best with probability 1 - `size`."""
        return tuple(i for i, p in enumerate(self.p_models) if p > size)


@checked
def mcs(losses: Matrix, seed: Natural = 0, draws: Count = 2000, block: Block | None = None) -> ConfidenceSet:
    """Return the model confidence set of Hansen, Lunde and Nason (2011), statistic T_max.

    Parameters
    ----------
    losses : ndarray of float64, (n, n_models)
        Lower is better. Models with the same losses throughout share one place.
    seed, draws : int
        Of the resampling.
    block : float, optional
        Mean block in bars, at least 1 and fewer than there are; default: the longest that the differences ask for,
        see `block_length`.

    Returns
    -------
    ConfidenceSet
        NaN for fewer than 20 bars, or where something is not known; 1 for a model without another.
    """
    n, k = losses.shape
    if block is not None:
        Number(least=1, below=n)("mcs: block", block)
    if n < 20 or not k or not np.isfinite(losses).all():
        return ConfidenceSet((math.nan,) * k, n, draws, seed, math.nan)
    distinct = _distinct(losses)
    different = losses[:, sorted(set(distinct))]
    if different.shape[1] == 1:
        return ConfidenceSet((1.0,) * k, n, draws, seed, math.nan)
    from arch.bootstrap import MCS

    size = block_length(different - different.mean(axis=1, keepdims=True)) if block is None else float(block)
    found = MCS(different, size=0.5, reps=draws, block_size=size, method="max", seed=seed)
    found.compute()
    p = dict(zip(sorted(set(distinct)), found.pvalues["Pvalue"].sort_index(), strict=True))
    counted = [(1 + round(p[first] * draws)) / (1 + draws) for first in distinct]
    return ConfidenceSet(tuple(counted), n, draws, seed, size)


def _distinct(losses: Floats) -> list[int]:
    """Return, per column, the first that differs from it by no more than rounding."""
    scale = max(float(np.abs(losses).max()), TINY) * TINY
    first: list[int] = []
    for j in range(losses.shape[1]):
        same = (i for i in sorted(set(first)) if float(np.abs(losses[:, i] - losses[:, j]).max()) <= scale)
        first.append(next(same, j))
    return first
