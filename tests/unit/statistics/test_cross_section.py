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


def test_the_standard_error_is_that_of_newey_and_west():
    from statsmodels.regression.linear_model import OLS

    values = np.random.default_rng(1).normal(size=120).cumsum() * 0.1
    found = statistics.mean_test(values, 5)
    assert found.lags == math.ceil(1.3 * math.sqrt(120)) == 15
    error = OLS(values, np.ones(120)).fit(cov_type="HAC", cov_kwds={"maxlags": 15}).bse[0]
    assert found.t == pytest.approx(values.mean() / (error / math.sqrt(1 - 16 / 120)))
    freedom = 1.5 * 120 / 16
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(found.t), freedom))
    assert found.low == pytest.approx(values.mean() - stats.t.ppf(0.95, freedom) * values.mean() / found.t)
    assert statistics.mean_test(values, 20).lags == 38


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


def sizes(n, h, kept, draws, symbols=8, seed=0):
    """How often the test at 5 % finds something where there is nothing."""
    rng = np.random.default_rng(seed)
    found = [statistics.rank_ic(*overlapping(rng, n, h, symbols, kept), h).p_value < 0.05 for _ in range(draws)]
    return float(np.mean(found))


def test_without_skill_it_is_wrong_as_often_as_it_says():
    # Coefficients of labels that overlap by four bars. Lags up to the horizon alone would be wrong in 0.10 of 600.
    rng = np.random.default_rng(0)
    series = (np.convolve(rng.normal(size=254), np.ones(5), "valid") for _ in range(600))
    share = np.mean([statistics.mean_test(values, 5).p_value < 0.05 for values in series])
    assert abs(share - 0.05) < 3 * math.sqrt(0.05 * 0.95 / 600)


@pytest.mark.full
@pytest.mark.parametrize("n,h,kept", [(250, 5, 0.9), (500, 5, 0.98), (1000, 20, 0.98)])
def test_sizes_of_the_test(n, h, kept):
    assert 0.025 < sizes(n, h, kept, 500) < 0.08
