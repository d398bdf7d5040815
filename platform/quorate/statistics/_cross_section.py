"""Figures of forecasts among the symbols of one bar: whether those ranked higher came higher, and whether by chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import FEWEST, TINY, complete
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
    n, freedom : int
        Figures, and the degrees of freedom of the t distribution.
    """

    mean: float
    sd: float
    t: float
    p_value: float
    low: float
    positive: float
    n: int
    freedom: int

    @property
    def ir(self) -> float:
        """Mean over deviation, per bar, not annualised; NaN where the figures do not vary."""
        return self.mean / self.sd if self.sd >= TINY else math.nan


@checked
def mean_test(values: Values, h: Count = 1, confidence: Confidence = 0.95) -> MeanTest:
    """Test whether the mean of figures of consecutive bars is zero, whose labels may overlap.

    The standard error is that of equally weighted cosines (Lazarus, Lewis, Stock and Watson 2018): the mean square of
    the figures' products with the slowest cosines, of which there are so few, 0.4 n^(2/3) and n / (2 h) at most, that
    labels which overlap are alike within the fastest. As many squares of like size are the degrees of freedom of the
    t distribution, which so allows for how uncertain the error is itself.

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
        NaN for no values; t, p-value and bound also for fewer than 10, or than four times h, or that do not vary.
    """
    n = len(values)
    if not complete(values):
        return MeanTest(*(math.nan,) * 6, n, 0)
    mean, sd = float(values.mean()), float(np.std(values, ddof=1)) if n > 1 else math.nan
    positive = float((values > 0).mean())
    cosines = round(min(0.4 * n ** (2 / 3), n / (2 * h)))
    if n < max(FEWEST, 4 * h) or not sd >= TINY:
        return MeanTest(mean, sd, math.nan, math.nan, math.nan, positive, n, cosines)
    from scipy.fft import dct
    from scipy.stats import t as student

    waves = dct(values, norm="ortho")[1 : cosines + 1]
    error = max(math.sqrt(float((waves**2).mean()) / n), TINY)
    t = mean / error
    low = mean - float(student.ppf(confidence, cosines)) * error
    return MeanTest(mean, sd, t, 2 * float(student.sf(abs(t), cosines)), low, positive, n, cosines)


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
