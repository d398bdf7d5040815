"""Figures of forecasts among the symbols of one bar: whether those ranked higher came higher, and whether by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import FEWEST, TINY, autocovariances, complete
from quorate.statistics._boundary import Confidence, Count, Floats, MaybeBars, Positions, Values, checked
from quorate.statistics._forecasts import information_coefficients


@dataclass(frozen=True)
class MeanTest:
    """The mean of figures of bars, and whether it is above zero beyond chance.

    Parameters
    ----------
    mean, sd : float
        Of the figures; `sd` with ddof 1.
    t : float
        Mean over its standard error.
    p_value : float
        Two-sided, of a mean of zero.
    low : float
        What the mean is above with 95 % confidence, one-sided.
    positive : float
        Share of the figures above zero.
    n, lags : int
        Figures, and the autocovariances in the standard error.
    """

    mean: float
    sd: float
    t: float
    p_value: float
    low: float
    positive: float
    n: int
    lags: int

    @property
    def ir(self) -> float:
        """Mean over deviation, per bar, not annualised; NaN where the figures do not vary."""
        return self.mean / self.sd if self.sd >= TINY else math.nan


@checked
def mean_test(values: Values, h: Count = 1, confidence: Confidence = 0.95) -> MeanTest:
    """Test whether the mean of figures of consecutive bars is zero, whose labels may overlap.

    The standard error has Bartlett weights (Newey and West 1987). Up to lag h - 1 they would count but two thirds of
    what labels that overlap have in common, so there are twice as many lags, and 1.3 times the root of the number of
    bars at least; that the variance is then uncertain itself is allowed for by the t distribution with 1.5 times the
    number of bars over that of lags as degrees of freedom (Lazarus, Lewis, Stock and Watson 2018), and by what the
    estimated mean takes of it, the share of lags among bars.

    Parameters
    ----------
    values : ndarray of float64, (n,)
        In time order.
    h : int
        Bars that a label spans.
    confidence : float
        Of `MeanTest.low`.

    Returns
    -------
    MeanTest
        NaN for no values; t, p-value and bound also for fewer than 10, or than twice h, or that do not vary.
    """
    n = len(values)
    if not complete(values):
        return MeanTest(*(math.nan,) * 6, n, 0)
    mean, sd = float(values.mean()), float(np.std(values, ddof=1)) if n > 1 else math.nan
    positive = float((values > 0).mean())
    lags = min(max(2 * (h - 1), math.ceil(1.3 * math.sqrt(n))), n - 1)
    if n < max(FEWEST, 2 * h) or not sd >= TINY:
        return MeanTest(mean, sd, math.nan, math.nan, math.nan, positive, n, lags)
    from scipy.stats import t as student

    covariance = autocovariances(values[:, None], lags)[:, 0]
    share = (lags + 1) / n
    weight = 1 - np.arange(1, lags + 1) / (lags + 1)
    variance = float(covariance[0] + 2 * weight @ covariance[1:]) / max(1 - share, 1 / n)
    error, freedom = math.sqrt(max(variance, TINY**2) / n), 1.5 / share
    t = mean / error
    low = mean - float(student.ppf(confidence, freedom)) * error
    return MeanTest(mean, sd, t, 2 * float(student.sf(abs(t), freedom)), low, positive, n, lags)


@checked
def rank_ic(labels: Values, predictions: Values, bar: MaybeBars, h: Count = 1) -> MeanTest:
    """Test the mean rank correlation of forecasts and labels across symbols, by `mean_test`.

    Parameters
    ----------
    labels, predictions : ndarray of float64, (n_forecasts,)
        What came, and what was forecast.
    bar : ndarray of int64, (n_forecasts,)
        Position of each forecast's bar; a bar counts that has three forecasts, and neither all labels nor all
        forecasts alike, see `information_coefficients`.
    h : int
        Bars that a label spans.
    """
    return mean_test(information_coefficients(labels, predictions, bar), h)


@checked
def bucket_means(labels: Values, predictions: Values, bar: MaybeBars, buckets: Count = 5) -> Floats:
    """Return the mean label of each bucket of forecasts at each bar, (n_bars, n_buckets), the lowest forecasts first.

    Each bar's forecasts are cut into buckets of like number by their rank, equal forecasts sharing the mean of their
    ranks. Bars with fewer forecasts than buckets are left out, and those where a bucket is empty because forecasts
    are equal.

    Parameters
    ----------
    bar : ndarray of int64, (n_forecasts,)
        Position of each forecast's bar; empty where it is not known.
    buckets : int
        How many.
    """
    return buckets_by_bar(labels, predictions, bar, buckets)[1]


@checked
def bucket_spread(labels: Values, predictions: Values, bar: MaybeBars, buckets: Count = 5) -> Floats:
    """Return the mean label of the highest bucket less that of the lowest, by bar, see `bucket_means`, (n_bars,)."""
    means = bucket_means(labels, predictions, bar, buckets)
    spread: Floats = means[:, -1] - means[:, 0]
    return spread


def buckets_by_bar(labels: Floats, predictions: Floats, bar: Positions, buckets: int) -> tuple[Positions, Floats]:
    """Return the bars of `bucket_means`, and the means of each."""
    if not complete(labels, predictions) or len(bar) != len(labels):
        return np.empty(0, dtype=np.int64), np.empty((0, buckets))
    import pandas as pd

    bars, group = np.unique(bar, return_inverse=True)
    count = np.bincount(group)[group]
    rank = pd.Series(predictions).groupby(group).rank().to_numpy() - 0.5
    cell = group * buckets + np.minimum((rank * buckets / count).astype(np.int64), buckets - 1)
    sums, n = (np.bincount(cell, one, len(bars) * buckets).reshape(-1, buckets) for one in (labels, None))
    whole = (n > 0).all(axis=1)
    return bars[whole], sums[whole] / n[whole]
