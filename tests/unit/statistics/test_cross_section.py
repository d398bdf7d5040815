"""Figures of the symbols of a bar: by hand, against SciPy, and as often wrong as they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from quorate import statistics

NAN = math.nan


def overlapping(rng, n, h, symbols, kept):
    """Labels that span h bars, and forecasts that know nothing of them and last for long."""
    moves = np.cumsum(rng.normal(size=(n + h, symbols)), axis=0)
    forecasts = rng.normal(size=(n, symbols))
    for t in range(1, n):
        forecasts[t] = kept * forecasts[t - 1] + math.sqrt(1 - kept**2) * forecasts[t]
    return (moves[h:] - moves[:-h]).ravel(), forecasts.ravel(), np.repeat(np.arange(n), symbols)


def test_the_mean_coefficient_is_that_of_scipy():
    rng = np.random.default_rng(0)
    labels, forecasts, bar = overlapping(rng, 40, 1, 7, 0.0)
    own = [stats.spearmanr(labels[bar == t], forecasts[bar == t]).statistic for t in range(40)]
    found = statistics.rank_ic(labels, forecasts, bar)
    assert (found.mean, found.sd) == pytest.approx((np.mean(own), np.std(own, ddof=1)))
    assert found.ir == pytest.approx(np.mean(own) / np.std(own, ddof=1))
    assert found.positive == np.mean(np.array(own) > 0)
    assert found.n == 40


def test_the_standard_error_is_that_of_slow_cosines():
    values = np.random.default_rng(1).normal(size=120).cumsum() * 0.1
    found = statistics.mean_test(values, 5)
    assert found.freedom == round(0.4 * 120 ** (2 / 3)) == 10
    waves = np.cos(np.pi * np.arange(1, 11)[:, None] * (np.arange(120) + 0.5) / 120)
    error = math.sqrt(np.mean(2 / 120 * (waves @ values) ** 2) / 120)
    assert found.t == pytest.approx(values.mean() / error)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.t), 10))
    assert found.low == pytest.approx(values.mean() - stats.t.ppf(0.95, 10) * error)
    assert statistics.mean_test(values, 20).freedom == 3
    assert math.isnan(statistics.mean_test(values, 31).t)  # of less than four horizons


def test_what_is_not_known_is_nan():
    empty = statistics.rank_ic([], [], [])
    assert empty.n == 0
    assert all(math.isnan(value) for value in (empty.mean, empty.t, empty.p_value, empty.low, empty.positive, empty.ir))
    few = statistics.mean_test([0.1, 0.3, 0.2])
    assert few.mean == pytest.approx(0.2)
    assert math.isnan(few.t)
    assert math.isnan(statistics.mean_test(np.full(50, 0.3)).t)
    assert math.isnan(statistics.mean_test([0.1, NAN]).mean)
    # Two symbols are no cross-section.
    assert statistics.rank_ic(np.arange(20.0), np.arange(20.0), np.repeat(np.arange(10), 2)).n == 0


def test_buckets_by_hand():
    forecasts = [5, 1, 4, 2, 3, 6, 10, 20, 30, 40]
    labels = [0.5, 0.1, 0.4, 0.2, 0.3, 0.6, 1, 2, 3, 4]
    bar = [0] * 6 + [1] * 4
    found = statistics.bucket_means(labels, forecasts, bar, 3)
    # Of four, ranks of one half, one and a half ... times 3 / 4: the two in the middle share a bucket.
    assert found == pytest.approx(np.array([[0.15, 0.35, 0.55], [1.0, 2.5, 4.0]]))
    assert statistics.bucket_spread(labels, forecasts, bar, 3) == pytest.approx([0.4, 3.0])
    assert statistics.bucket_means(labels, forecasts, bar, 5).shape == (1, 5)  # the second bar has only four
    assert statistics.bucket_means([1.0] * 6, [2.0] * 6, [0] * 6, 3).shape == (0, 3)  # all in one bucket
    assert statistics.bucket_means([], [], [], 5).shape == (0, 5)


@pytest.mark.parametrize(
    "n,h,kept",
    [
        (250, 1, 0.0),
        (250, 20, 0.98),
        (1000, 20, 0.98),
        *(pytest.param(*one, marks=pytest.mark.full) for one in ((250, 5, 0.9), (500, 5, 0.98), (500, 20, 0.98))),
    ],
)
def test_without_skill_it_is_wrong_as_often_as_it_says(n, h, kept):
    rng, draws, symbols = np.random.default_rng(1), 1000, 8
    # The same as `overlapping`, of all draws at once.
    moves = rng.normal(size=(draws, n + h, symbols)).cumsum(axis=1)
    labels, forecasts = moves[:, h:] - moves[:, :-h], rng.normal(size=(draws, n, symbols))
    for t in range(1, n):
        forecasts[:, t] = kept * forecasts[:, t - 1] + math.sqrt(1 - kept**2) * forecasts[:, t]
    ranks = (values.argsort(axis=2).argsort(axis=2) - (symbols - 1) / 2 for values in (labels, forecasts))
    coefficients = np.multiply(*ranks).mean(axis=2)
    share = np.mean([statistics.mean_test(series, h).p_value < 0.05 for series in coefficients])
    assert 0.035 < share < 0.065
