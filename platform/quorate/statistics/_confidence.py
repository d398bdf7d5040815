"""The model confidence set: which of many models the data cannot tell from the best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import TINY, block_length
from quorate.statistics._boundary import Block, Count, Floats, Matrix, Natural, Number, Share, checked
from quorate.statistics._resampling import in_steps, means, remembered


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
    if block is not None:
        Number(least=1, below=len(losses))("mcs: block", block)
    return _confidence_set(losses, seed, draws, block)


@remembered
def _confidence_set(losses: Floats, seed: int, draws: int, block: float | None) -> ConfidenceSet:
    n, k = losses.shape
    if n < 20 or not k or not np.isfinite(losses).all():
        return ConfidenceSet((math.nan,) * k, n, draws, seed, math.nan)
    distinct = _distinct(losses)
    different = losses[:, sorted(set(distinct))]
    if different.shape[1] == 1:
        return ConfidenceSet((1.0,) * k, n, draws, seed, math.nan)
    different, step = in_steps(different)
    apart = different - different.mean(axis=1, keepdims=True)
    size = block_length(apart) if block is None else max(block / step, 1.0)
    mean = different.mean(axis=0)
    left_out = _left_out(mean, means(different - mean, size, draws, seed))
    p = dict(zip(sorted(set(distinct)), left_out, strict=True))
    return ConfidenceSet(tuple(p[first] for first in distinct), n, draws, seed, size * step)


def _left_out(mean: Floats, drawn: Floats) -> list[float]:
    """Return, per model, the p-value at which it is left out: the worst of those still in, one after the other.

    Parameters
    ----------
    mean : ndarray of float64, (n_models,)
        Loss.
    drawn : ndarray of float64, (draws, n_models)
        Of resampled losses, those of the data taken off.
    """
    p, largest, inside = [1.0] * len(mean), 0.0, np.arange(len(mean))
    while len(inside) > 1:
        apart = drawn[:, inside] - drawn[:, inside].mean(axis=1, keepdims=True)
        # Models that always differ by the same have none; the worst of them is infinitely far from the others.
        deviation = np.maximum(np.sqrt((apart**2).mean(axis=0)), np.finfo(np.float64).tiny)
        with np.errstate(over="ignore"):
            found = (mean[inside] - mean[inside].mean()) / deviation
        worst = found == found.max()
        more = int(((apart / deviation).max(axis=1) > found.max()).sum())
        largest = max(largest, (1 + more) / (1 + len(drawn)))
        for model in inside[worst]:
            p[model] = largest
        inside = inside[~worst]
    return p


def _distinct(losses: Floats) -> list[int]:
    """Return, per column, the first that differs from it by no more than rounding."""
    scale = max(float(np.abs(losses).max()), TINY) * TINY
    first: list[int] = []
    for j in range(losses.shape[1]):
        same = (i for i in sorted(set(first)) if float(np.abs(losses[:, i] - losses[:, j]).max()) <= scale)
        first.append(next(same, j))
    return first
