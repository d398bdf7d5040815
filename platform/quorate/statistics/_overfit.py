"""How much of a result is choice: the probability of overfitting, and how many trials there really were."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from quorate.statistics._base import TINY
from quorate.statistics._boundary import Floats, Integer, Level, Matrix, Real, checked

DRAWN, FEWEST_DRAWS, MOST_DRAWS = 2_014, 2_000, 20_000
HELD = 2**22  # drawn numbers held at once, if so many are enough
TAIL = 0.05
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
    """Return how many independent trials would be as lucky as these correlated ones.

    Without skill the Sharpe ratios of trials are normal numbers, correlated as their returns are. They are drawn, from
    a fixed seed: let the largest of them be beyond c in one draw of twenty. The number of independent ones of which
    that is true of the same c is returned, so that ``1 - (1 - p) ** effective_trials`` is the chance that any of them
    is as high as one whose own p-value is p: exact at 5 %, at most a little high above it. Clones count once, whatever
    their number.

    Counting clusters of correlated returns (Lopez de Prado and Lewis 2019) takes all in a cluster for one,
    though the best of a hundred that correlate by .7 is as lucky as the best of twenty.

    Parameters
    ----------
    returns : ndarray of float64, (n, n_trials)
        Per bar. A series that does not vary (it never traded) is no trial.

    Returns
    -------
    float
        At least 1, to two places, about 3 % wrong; NaN where no series varies or something is not known.
    """
    varying = _varying(returns)
    k: int = varying.shape[1]
    if k < 2:
        return float(k) or math.nan
    drawn = _drawn(_standardised(varying))
    both = _largest(drawn)
    bound = np.quantile(both, 1 - TAIL)
    # By how often one of them is as high in the same draws, which takes off most of what chance has in it.
    alone = ((drawn > bound).mean() + (drawn < -bound).mean()) / 2
    return round(max(math.log1p(-(both > bound).mean()) / math.log1p(-alone), 1.0), 2)


@checked
def expected_best(returns: Matrix) -> float:
    """Return the mean of the largest of the trials' figures without skill, in standard errors of one of them.

    As `expected_max` of independent ones, of trials that are correlated as their returns are; drawn as for
    `effective_trials`. NaN where no series varies or something is not known.
    """
    varying = _varying(returns)
    if not varying.shape[1]:
        return math.nan
    return max(float(_largest(_drawn(_standardised(varying))).mean()), 0.0) if varying.shape[1] > 1 else 0.0


def _standardised(varying: Floats) -> Floats:
    found: Floats = (varying - varying.mean(axis=0)) / varying.std(axis=0)
    return found


def _drawn(scaled: Floats) -> Floats:
    """Return normal numbers that are correlated as the columns are, (n_draws, n_columns), from a fixed seed."""
    k = scaled.shape[1]
    # In an order of their own, so that theirs does not matter.
    order = sorted(range(k), key=lambda j: scaled[:, j].tobytes())
    mixing = np.linalg.qr(scaled[:, order] / math.sqrt(len(scaled)), mode="r")  # of independent numbers
    draws = min(max(HELD // k, FEWEST_DRAWS), MOST_DRAWS)
    found: Floats = np.random.default_rng(DRAWN).standard_normal((draws, len(mixing))) @ mixing
    return found


def _largest(drawn: Floats) -> Floats:
    return np.concatenate([drawn.max(axis=1), -drawn.min(axis=1)])  # the mirror image is as likely


@checked
def best_of(p_value: Real, n_trials: Real) -> float:
    """Return the chance that the best of independent trials without skill is as high as one with this p-value.

    ``1 - (1 - p) ** n`` (Sidak 1967). Of correlated trials the number that is as lucky, see `effective_trials`: exact
    where it comes to 5 %. NaN for less than one trial, and for what is no probability.
    """
    if not (n_trials >= 1 and 0 <= p_value <= 1):
        return math.nan
    return 1.0 if p_value >= 1 else -math.expm1(n_trials * math.log1p(-p_value))


@checked
def p_alone(chance: Level, n_trials: Real) -> float:
    """Return the p-value at which `best_of` so many trials comes to this chance; NaN for less than one trial."""
    return -math.expm1(math.log1p(-chance) / n_trials) if n_trials >= 1 else math.nan


def _varying(returns: Floats) -> Floats:
    """Return the columns that vary; none where something is not known."""
    if len(returns) < 2 or not np.isfinite(returns).all():
        return returns[:, :0]
    return returns[:, returns.std(axis=0) >= TINY]
