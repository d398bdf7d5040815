"""Figures of forecast distributions: quantiles, the intervals between them, and how often a bound was passed.

`labels` are what came, (n_forecasts,), `quantiles` what was forecast at `levels`, (n_forecasts, n_levels). All are NaN
without forecasts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quorate.statistics._base import autocovariances, complete
from quorate.statistics._boundary import (
    Bars,
    Confidence,
    Count,
    Flags,
    Floats,
    Level,
    Levels,
    Matrix,
    Values,
    checked,
)
from quorate.statistics._mean import long_run
from quorate.statistics._two import mean_by_bar

_SAME = 1e-9  # levels that are as near as this are one


@checked
def pinball(labels: Values, forecasts: Values, level: Level) -> float:
    """Return the mean pinball loss of one quantile (Koenker and Bassett 1978), in the unit of the labels.

    A label above the quantile costs `level` of the distance, one below it the rest. Smallest where the quantile is the
    true one; at level 0.5 it is half the mean absolute error.
    """
    if not complete(labels, forecasts):
        return math.nan
    above = labels - forecasts
    return float(np.mean(np.maximum(level * above, (level - 1) * above)))


@checked
def mean_pinball(labels: Values, quantiles: Matrix, levels: Levels) -> float:
    """Return the mean of `pinball` over the levels.

    Twice it is the continuous ranked probability score where levels are many and evenly spaced (Gneiting and Raftery
    2007); with a few it is that of these quantiles alone, so only forecasts at the same levels compare.
    """
    _check_columns("mean_pinball", quantiles, levels)
    return float(np.mean([pinball(labels, quantiles[:, j], level) for j, level in enumerate(levels.tolist())]))


@checked
def coverage(labels: Values, low: Values, high: Values) -> float:
    """Return the share of labels within the interval, its ends included."""
    return float(np.mean((labels >= low) & (labels <= high))) if complete(labels, low, high) else math.nan


@checked
def interval_width(low: Values, high: Values) -> float:
    """Return the mean width of an interval, in the unit of its ends."""
    return float(np.mean(high - low)) if complete(low, high) else math.nan


@checked
def pairs_of(levels: Levels) -> list[tuple[int, int]]:
    """Return the positions of levels that lie as far from both ends, 0.1 and 0.9, the widest first."""
    n = len(levels)
    return [(i, j) for i in range(n) for j in range(i + 1, n) if abs(levels[i] + levels[j] - 1) < _SAME]


@dataclass(frozen=True)
class Covered:
    """How often labels lay within an interval, and how sure that is.

    Parameters
    ----------
    share : float
        Of the labels.
    low, high : float
        Two-sided interval of it.
    n, effective : float
        Bars, and how many independent ones they amount to.
    freedom : int
        Degrees of freedom of the t distribution; 0 where it is the normal one.
    """

    share: float
    low: float
    high: float
    n: int
    effective: float
    freedom: int = 0

    @checked
    def p_value(self, nominal: Level) -> float:
        """Return the two-sided p-value of a share that it should hold: the interval turned round."""
        from scipy.special import ndtr, stdtr

        distance = -abs(self.share - nominal) / math.sqrt(nominal * (1 - nominal) / max(self.effective, 1.0))
        return 2 * float(stdtr(self.freedom, distance) if self.freedom else ndtr(distance))


@checked
def coverage_interval(
    labels: Values,
    low: Values,
    high: Values,
    h: Count = 1,
    bar: Bars | None = None,
    confidence: Confidence = 0.95,
    dependence: Literal["horizon", "any"] = "horizon",
) -> Covered:
    """Return the coverage of an interval with one of its own.

    The interval of Wilson (1927) for a share, with as many observations as the hits are worth: the bars times their
    binomial variance over their long-run variance, and never more than there are bars. That variance has Bartlett
    weights up to lag ``max(h - 1, 4 (n / 100)^(2/9))`` (Newey and West 1987, 1994): misses come together where markets
    are restless, and labels that overlap are missed together.

    Parameters
    ----------
    labels, low, high : ndarray of float64, (n_forecasts,)
        In time order.
    h : int
        Bars that a label spans.
    bar : ndarray of int64, (n_forecasts,), optional
        Position of each forecast's bar: hits are averaged by bar first.
    dependence : {"horizon", "any"}
        ``horizon``: as above; of misses that come together for months it sees little. ``any``: the long-run variance is
        that of slow cosines, with a t distribution, as in `mean_test`.
    """
    share = coverage(labels, low, high)
    if math.isnan(share):
        return Covered(math.nan, math.nan, math.nan, len(labels), math.nan)
    hits = mean_by_bar(((labels >= low) & (labels <= high)).astype(np.float64), bar)
    mean, n = float(hits.mean()), len(hits)
    freedom, lags = 0, min(max(h - 1, math.floor(4 * (n / 100) ** (2 / 9))), n - 1)
    if dependence == "any" and n > 1:
        deviation, freedom = long_run(hits, h)
        variance = deviation**2
    else:
        variance = _long_run(hits, lags)
    binomial = mean * (1 - mean)
    # Symbols that are hit and missed in turn leave little variance by bar: that is no knowledge of the share.
    effective = min(n * binomial / variance, float(n)) if variance > 0 and binomial > 0 else float(n)
    ends = wilson(mean, max(effective, 1.0), confidence, freedom)
    return Covered(mean, *ends, n, effective, freedom)


def _long_run(values: Floats, lags: int) -> float:
    """Return the long-run variance, with Bartlett weights."""
    covariance = autocovariances(values[:, None], lags)[:, 0]
    weight = 1 - np.arange(1, lags + 1) / (lags + 1)
    return float(covariance[0] + 2 * weight @ covariance[1:])


def wilson(share: float, n: float, confidence: float = 0.95, freedom: int = 0) -> tuple[float, float]:
    """Return the interval of a share of `n` (Wilson 1927); by a t distribution, if it has degrees of freedom."""
    from scipy.special import ndtri, stdtrit

    level = (1 + confidence) / 2
    z = float(stdtrit(freedom, level) if freedom else ndtri(level))
    centre, spread = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (centre - spread) / (1 + z**2 / n), (centre + spread) / (1 + z**2 / n)


@checked
def quantile_at(quantiles: Matrix, levels: Levels, level: Level) -> Floats:
    """Return the quantile at a level that may lie between those that were forecast, (n_forecasts,).

    On the straight line between its neighbours. NaN where the level lies beyond the lowest or the highest: of a tail
    that was not forecast nothing is told.

    Parameters
    ----------
    quantiles : ndarray of float64, (n_forecasts, n_levels)
    levels : ndarray of float64, (n_levels,)
        Ascending.
    """
    _check_columns("quantile_at", quantiles, levels)
    if not levels[0] - _SAME <= level <= levels[-1] + _SAME:
        return np.full(len(quantiles), math.nan)
    at = int(np.clip(np.searchsorted(levels, level - _SAME), 1, len(levels) - 1))
    share = float(np.clip((level - levels[at - 1]) / (levels[at] - levels[at - 1]), 0.0, 1.0))
    found: Floats = quantiles[:, at - 1] * (1 - share) + quantiles[:, at] * share
    return found


@checked
def tail_mean(quantiles: Matrix, levels: Levels, level: Level) -> Floats:
    """Return the mean of what lies below the quantile at a level, (n_forecasts,).

    The mean of the quantile function from 0 to `level` (Acerbi and Tasche 2002): on straight lines between the levels,
    and below the lowest as high as there, which is less far out than the truth. NaN where no level is below half of
    `level`: then it would be little more than the quantile itself.

    Parameters
    ----------
    quantiles, levels
        As for `quantile_at`.
    """
    edge = quantile_at(quantiles, levels, level)
    if levels[0] > level / 2 + _SAME:
        return np.full(len(quantiles), math.nan)
    inside = levels < level - _SAME
    x = np.concatenate(([0.0], levels[inside], [level]))
    y = np.column_stack([quantiles[:, 0], quantiles[:, inside], edge])
    total: Floats = ((y[:, 1:] + y[:, :-1]) / 2 * np.diff(x)).sum(axis=1)
    return total / level


def _check_columns(function: str, quantiles: Floats, levels: Floats) -> None:
    if quantiles.shape[1] != len(levels):
        raise ValueError(
            f"{function}: quantiles must have a column for each of {len(levels)} levels; their shape was "
            f"{quantiles.shape}"
        )


@dataclass(frozen=True)
class Passed:
    """What a test of how often a bound was passed found.

    Parameters
    ----------
    statistic, p_value : float
        A likelihood ratio, chi-square with one degree of freedom.
    n, passed : int
        Forecasts, and how often the bound was passed.
    """

    statistic: float
    p_value: float
    n: int
    passed: int


@checked
def kupiec(passed: Flags, rate: Level) -> Passed:
    """Test that a bound is passed as often as it should be (Kupiec 1995), whatever the order.

    Parameters
    ----------
    passed : ndarray of bool, (n_forecasts,)
        Whether what came lay beyond the bound.
    rate : float
        How often it should: 0.05 for a value at risk of 95 %.
    """
    if not complete(passed):
        return Passed(math.nan, math.nan, len(passed), 0)
    n, x = len(passed), int(passed.sum())
    return _ratio(_log_likelihood(n - x, x, x / n) - _log_likelihood(n - x, x, rate), n, x)


@checked
def christoffersen(passed: Flags) -> Passed:
    """Test that a bound is passed independently of whether it was passed before (Christoffersen 1998).

    Against a chain in which the chance depends on the forecast before; in time order, of one series. NaN where the
    bound was never passed, or always.
    """
    if not complete(passed, least=2) or not 0 < passed[:-1].sum() < len(passed) - 1:
        return Passed(math.nan, math.nan, len(passed), int(np.nansum(passed)))
    before, now = passed[:-1] == 1, passed[1:] == 1
    after = [(int((~now & (before == was)).sum()), int((now & (before == was)).sum())) for was in (False, True)]
    every = (after[0][0] + after[1][0], after[0][1] + after[1][1])
    apart = sum(_log_likelihood(no, yes, yes / (no + yes)) for no, yes in after)
    together = _log_likelihood(*every, every[1] / sum(every))
    return _ratio(apart - together, len(passed), int(passed.sum()))


def _log_likelihood(no: int, yes: int, p: float) -> float:
    return (no * math.log1p(-p) if no else 0.0) + (yes * math.log(p) if yes else 0.0)


def _ratio(difference: float, n: int, passed: int) -> Passed:
    from scipy.special import chdtrc

    statistic = max(2 * difference, 0.0)
    return Passed(statistic, float(chdtrc(1, statistic)), n, passed)
