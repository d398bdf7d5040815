"""How much of a result is choice: the probability of overfitting, and how many trials there really were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from quorate.statistics._base import TINY
from quorate.statistics._boundary import Floats, Integer, Matrix, checked
from quorate.statistics._sharpe import expected_max

DRAWN, BATCH, MOST = 2_014, 100, 3_000
SPLIT = 24  # blocks at most: they make 2,704,156 splits


@dataclass(frozen=True)
class Overfitting:
    """What became of the best in sample, over all splits.

    Parameters
    ----------
    pbo : float
        Share of splits in which it was no better than the median out of sample.
    p_loss : float
        Share of splits in which it lost out of sample.
    slope : float
        Of its figure out of sample on that in sample.
    splits, blocks, n, candidates : int
        ``blocks`` of the `n` bars give ``splits`` ways to take half of them; only what varies is a candidate.
    """

    pbo: float
    p_loss: float
    slope: float
    splits: int
    blocks: int
    n: int
    candidates: int


@checked
def pbo(returns: Matrix, blocks: Integer = 16, by: Literal["sharpe", "mean"] = "sharpe") -> Overfitting:
    """Return the probability of backtest overfitting (Bailey, Borwein, Lopez de Prado and Zhu 2017).

    By combinatorially symmetric cross-validation: the bars are cut into `blocks`; every half of them is
    once in sample and the other half out of sample. With rank 1 for the worst of N out of sample, the
    best in sample has ``w = rank / (N + 1)``; it counts as overfitted where ``log(w / (1 - w)) <= 0``.
    Candidates that are alike share their rank. Clones of one strategy have the median one, whose logit is zero
    and counts, so exact clones give 1 and near clones about one half, however good they are: read it beside
    `p_loss`.

    Parameters
    ----------
    returns : ndarray of float64, (n, n_candidates)
        Of all that were tried, per bar. A series that does not vary (it never traded) is no candidate.
    blocks : int
        Even, 2 to 24. Blocks differ by one bar where they do not divide n.
    by : {"sharpe", "mean"}
        What is best. The Sharpe ratio of a half in which a candidate does not vary counts as zero.

    Returns
    -------
    Overfitting
        NaN for fewer than two candidates or two bars per block, or where something is not known.
    """
    if blocks % 2 or not 2 <= blocks <= SPLIT:
        raise ValueError(
            f"the bars must be cut into at most {SPLIT}, and an even number of blocks, at least 2; blocks was {blocks}"
        )
    n = len(returns)
    splits = math.comb(blocks, blocks // 2)
    varying = _varying(returns)
    k = varying.shape[1]
    if k < 2 or n < 2 * blocks:
        return Overfitting(math.nan, math.nan, math.nan, splits, blocks, n, k)
    inside, outside = _halves(varying, blocks, by)
    row = np.arange(splits)
    best = inside.argmax(axis=1)
    chosen_in, chosen = inside[row, best], outside[row, best]
    gap = outside - chosen[:, None]
    alike = np.abs(gap) <= TINY * np.maximum(np.abs(chosen), 1e-3)[:, None]  # clones but for rounding
    rank = (~alike & (gap < 0)).sum(axis=1) + (alike.sum(axis=1) + 1) / 2
    spread = float(np.var(chosen_in))
    slope = float(np.cov(chosen_in, chosen, ddof=0)[0, 1]) / spread if spread > TINY**2 else math.nan
    overfitted = float(np.mean(rank <= (k + 1) / 2))
    return Overfitting(overfitted, float(np.mean(chosen < 0)), slope, splits, blocks, n, k)


def _halves(returns: Floats, blocks: int, by: str) -> tuple[Floats, Floats]:
    """Return every candidate's figure in both halves of every split, (n_splits, n_candidates)."""
    n = len(returns)
    starts = np.array([part[0] for part in np.array_split(np.arange(n), blocks)])
    length = np.diff(np.append(starts, n)).astype(np.float64)
    sums, squares = (np.add.reduceat(x, starts, axis=0) for x in (returns, returns**2))
    half = np.zeros((math.comb(blocks, blocks // 2), blocks))
    for row, taken in zip(half, combinations(range(blocks), blocks // 2), strict=True):
        row[list(taken)] = 1.0

    def figure(taken: Floats) -> Floats:
        bars = (taken @ length)[:, None]
        mean = taken @ sums / bars
        if by == "mean":
            return mean
        square = taken @ squares / bars
        variance = square - mean**2
        varies = variance > TINY * square
        sharpe: Floats = np.where(varies, mean / np.sqrt(np.where(varies, variance * bars / (bars - 1), 1.0)), 0.0)
        return sharpe

    return figure(half), figure(1 - half)


@checked
def effective_trials(returns: Matrix) -> float:
    """Return how many independent trials would have as high a best one by chance as these correlated ones.

    Without skill the Sharpe ratios of trials are normal numbers, correlated as their returns are. The mean of
    the largest of them is found by drawing them, from a fixed seed; the number of independent ones whose
    `expected_max` is the same is returned, to about 3 % for a hundred of them. Clones count once, whatever their
    number.

    Counting clusters of correlated returns (Lopez de Prado and Lewis 2019) takes all in a cluster for one,
    though the best of a hundred that correlate by .7 is as lucky as the best of seven.

    Parameters
    ----------
    returns : ndarray of float64, (n, n_trials)
        Per bar. A series that does not vary (it never traded) is no trial.

    Returns
    -------
    float
        At least 1, to two places; NaN where no series varies or something is not known.
    """
    varying = _varying(returns)
    n, k = varying.shape
    if k < 2:
        return float(k) or math.nan
    scaled = (varying - varying.mean(axis=0)) / (varying.std(axis=0) * math.sqrt(n))
    rng, best = np.random.default_rng(DRAWN), 0.0
    times = min(max(MOST // k, 1), 10)  # the more there are, the less the largest of them varies
    for _ in range(times):
        drawn = rng.standard_normal((BATCH, n)) @ scaled  # and its mirror image, which is as likely
        best += float((drawn.max(axis=1) - drawn.min(axis=1)).mean()) / (2 * times)
    return _independent(best)


def _independent(best: float) -> float:
    """Return the number of independent standard normal numbers whose largest has this mean, to two places."""
    if best < TINY:
        return 1.0
    low, high = 1.0, 2.0
    while expected_max(high) < best:
        high *= 2
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if expected_max(middle) < best else (low, middle)
    return round(high, 2)


@checked
def mean_correlation_trials(returns: Matrix) -> float:
    """Return how many independent trials there were as ``rho + (1 - rho) M``, with the mean correlation rho.

    Bailey and Lopez de Prado (2014), appendix; a rho below zero counts as zero. See `effective_trials`.
    """
    varying = _varying(returns)
    m: int = varying.shape[1]
    if m < 2:
        return float(m) or math.nan
    pairs: Floats = np.atleast_2d(np.corrcoef(varying, rowvar=False))[np.triu_indices(m, 1)]
    rho = max(float(pairs.mean()), 0.0)
    return rho + (1 - rho) * m


def _varying(returns: Floats) -> Floats:
    """Return the columns that vary; none where something is not known."""
    if len(returns) < 2 or not np.isfinite(returns).all():
        return returns[:, :0]
    return returns[:, returns.std(axis=0) >= TINY]
