"""Figures of forecasts among the symbols of one bar: whether those ranked higher came higher, and whether by chance."""

from __future__ import annotations

import numpy as np

from quorate.statistics._base import complete
from quorate.statistics._boundary import Count, Floats, MaybeBars, Positions, Values, checked
from quorate.statistics._forecasts import information_coefficients
from quorate.statistics._mean import MeanTest, mean_test


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
