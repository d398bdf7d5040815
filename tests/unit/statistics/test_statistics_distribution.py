"""Quantiles, intervals and bounds: hand values, scikit-learn, published regions, and sizes by draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from quorate import statistics

PAIRS = st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=1, max_size=40)
LEVELS = np.array([0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])


@given(PAIRS, st.sampled_from([0.05, 0.5, 0.9]))
def test_pinball_is_that_of_scikit_learn_and_at_the_median_half_the_absolute_error(pairs, level):
    y, q = np.array(pairs, dtype=float).T
    assert statistics.pinball(y, q, level) == pytest.approx(mean_pinball_loss(y, q, alpha=level), abs=1e-12)
    assert statistics.pinball(y, q, 0.5) == pytest.approx(statistics.mae(y, q) / 2)


def test_the_pinball_loss_is_least_at_the_true_quantile():
    y = np.random.default_rng(0).normal(size=4000)
    losses = [statistics.pinball(y, np.full(4000, q), 0.9) for q in np.linspace(0.5, 2.0, 31)]
    assert np.linspace(0.5, 2.0, 31)[np.argmin(losses)] == pytest.approx(stats.norm.ppf(0.9), abs=0.1)


def test_the_mean_pinball_of_many_levels_is_half_the_ranked_probability_score():
    levels = (np.arange(400) + 0.5) / 400
    y = np.array([-1.0, 0.3, 2.0])
    quantiles = np.tile(stats.norm.ppf(levels), (3, 1))
    # The score of a standard normal forecast in closed form (Gneiting and Raftery 2007, eq. 21).
    crps = np.mean(y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / math.sqrt(math.pi))
    assert 2 * statistics.mean_pinball(y, quantiles, levels) == pytest.approx(crps, rel=2e-3)


def test_an_interval_covers_its_ends_too():
    y, low, high = np.array([0.0, 1.0, 2.0, 3.0]), np.full(4, 1.0), np.full(4, 2.0)
    assert statistics.coverage(y, low, high) == 0.5
    assert statistics.interval_width(low, high) == 1.0


# --- how sure a coverage is


def test_independent_hits_have_the_interval_of_wilson():
    rng = np.random.default_rng(4)
    y = rng.random(400)
    found = statistics.coverage_interval(y, np.zeros(400), np.full(400, 0.8))
    from statsmodels.stats.proportion import proportion_confint

    n = found.effective
    assert 200 < n <= 400
    low, high = proportion_confint(found.share * n, n, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_misses_that_come_together_are_worth_fewer_bars():
    hits = np.tile(np.repeat([1.0, 0.0], [40, 10]), 20)
    alone = np.random.default_rng(0).permutation(hits)
    clustered, scattered = (
        statistics.coverage_interval(1 - h, np.zeros(1000), np.full(1000, 0.5)) for h in (hits, alone)
    )
    assert clustered.share == scattered.share == 0.8
    assert clustered.effective < 0.4 * scattered.effective
    assert clustered.high - clustered.low > 1.4 * (scattered.high - scattered.low)


def test_symbols_at_one_bar_are_one_observation():
    hit = np.repeat(np.random.default_rng(1).random(100) < 0.8, 5)
    y, bar = np.where(hit, 0.0, 2.0), np.repeat(np.arange(100), 5)
    found = statistics.coverage_interval(y, np.full(500, -1.0), np.full(500, 1.0), bar=bar)
    assert found.n == 100
    assert found.effective <= 100


@pytest.mark.parametrize("draws", [400, pytest.param(4000, marks=pytest.mark.full)])
def test_the_interval_of_a_coverage_holds_it_as_often_as_it_says(draws):
    """Labels of five bars that overlap: 95 % by its word; counted as independent they would hold far less often."""
    rng = np.random.default_rng(7)
    held = naive = 0
    edge = float(stats.norm.ppf(0.9))
    for _ in range(draws):
        noise = rng.normal(size=604)
        y = np.convolve(noise, np.ones(5), "valid") / math.sqrt(5)
        low, high = np.full(600, -edge), np.full(600, edge)
        found = statistics.coverage_interval(y, low, high, h=5)
        held += found.low <= 0.8 <= found.high
        spread = 1.96 * math.sqrt(0.8 * 0.2 / 600)
        naive += abs(found.share - 0.8) <= spread
    assert held / draws == pytest.approx(0.93, abs=0.04)
    assert naive / draws < 0.85


# --- between levels, and beyond


def test_a_level_between_two_lies_on_the_straight_line_and_beyond_them_nothing_is_told():
    quantiles = np.array([[-4.0, -2.0, 0.0, 1.0, 2.0, 3.0, 5.0]])
    at = {level: statistics.quantile_at(quantiles, LEVELS, level)[0] for level in (0.01, 0.03, 0.05, 0.15, 0.5, 0.99)}
    assert at == pytest.approx({0.01: -4, 0.03: -3, 0.05: -2, 0.15: -1, 0.5: 1, 0.99: 5})
    assert np.isnan(statistics.quantile_at(quantiles, LEVELS, 0.005)).all()
    assert np.isnan(statistics.quantile_at(quantiles, LEVELS, 0.995)).all()
    # 0.7 / 7 is no 0.1: what is as near as rounding is the level itself.
    assert statistics.quantile_at(quantiles, LEVELS, 0.05 - 1e-12)[0] == pytest.approx(-2)


def test_the_mean_of_a_tail_is_that_of_the_straight_lines_by_hand():
    quantiles = np.array([[-4.0, -2.0, 0.0, 1.0, 2.0, 3.0, 5.0]])
    # 0.01 as high as -4, then 0.04 from -4 to -2: (0.01 * -4 + 0.04 * -3) / 0.05.
    assert statistics.tail_mean(quantiles, LEVELS, 0.05)[0] == pytest.approx(-3.2)
    assert np.isnan(statistics.tail_mean(quantiles, LEVELS, 0.01)).all()
    fine = np.linspace(0.0005, 0.9995, 2000)
    found = statistics.tail_mean(stats.norm.ppf(fine)[None, :], fine, 0.05)[0]
    assert found == pytest.approx(-stats.norm.pdf(stats.norm.ppf(0.05)) / 0.05, rel=5e-3)  # -2.063


@pytest.mark.parametrize("levels", [[0.5], [0.5, 0.1], [0.0, 0.5], [0.5, 1.0], [0.1, 0.1]])
def test_levels_must_ascend_between_zero_and_one(levels):
    with pytest.raises(ValueError, match="at least two levels between 0 and 1 that ascend"):
        statistics.quantile_at(np.zeros((2, len(levels))), levels, 0.5)
    with pytest.raises(ValueError, match="a column for each of 2 levels"):
        statistics.mean_pinball(np.zeros(2), np.zeros((2, 3)), [0.1, 0.5])


# --- bounds that are passed


def passed(n, x):
    return np.arange(n) < x


@pytest.mark.parametrize(
    ("rate", "n", "inside"),
    # Kupiec (1995), Journal of Derivatives 3(2), table 3: how often a bound may be passed at a test size of 5 %.
    [
        (0.01, 510, (2, 10)),
        (0.01, 1000, (5, 16)),
        (0.025, 255, (3, 11)),
        (0.025, 510, (7, 20)),
        (0.025, 1000, (16, 35)),
        (0.05, 255, (7, 20)),
        (0.05, 510, (17, 35)),
        (0.05, 1000, (38, 64)),
    ],
)
def test_the_test_of_kupiec_has_his_regions(rate, n, inside):
    low, high = inside
    p = {x: statistics.kupiec(passed(n, x), rate).p_value for x in (low - 1, low, high, high + 1)}
    assert p[low] > 0.05
    assert p[high] > 0.05
    assert p[low - 1] < 0.05
    assert p[high + 1] < 0.05


def test_the_tests_by_hand():
    found = statistics.kupiec(passed(100, 10), 0.05)
    by_hand = 2 * (10 * math.log(0.1 / 0.05) + 90 * math.log(0.9 / 0.95))
    assert found.statistic == pytest.approx(by_hand)
    assert found.p_value == pytest.approx(stats.chi2.sf(by_hand, 1))
    assert (found.n, found.passed) == (100, 10)
    # 00 00 01 11 10 00 01 10: four times 0 after 0, twice 1 after 0, twice 0 after 1, once 1 after 1.
    chain = np.array([0, 0, 0, 1, 1, 0, 0, 1, 0]) == 1
    apart = 3 * math.log(3 / 5) + 2 * math.log(2 / 5) + 2 * math.log(2 / 3) + math.log(1 / 3)
    together = 5 * math.log(5 / 8) + 3 * math.log(3 / 8)
    assert statistics.christoffersen(chain).statistic == pytest.approx(2 * (apart - together))


def test_a_bound_that_is_never_passed_fails_the_first_test_and_says_nothing_of_the_second():
    never = np.zeros(500, dtype=bool)
    assert statistics.kupiec(never, 0.05).p_value < 1e-6
    assert math.isnan(statistics.christoffersen(never).p_value)


def test_bounds_that_are_passed_in_turn_are_not_independent():
    rng = np.random.default_rng(2)
    independent = rng.random(1000) < 0.1
    chain = np.zeros(1000, dtype=bool)
    for i in range(1, 1000):
        chain[i] = rng.random() < (0.5 if chain[i - 1] else 0.06)
    assert statistics.christoffersen(independent).p_value > 0.05
    assert statistics.christoffersen(chain).p_value < 1e-6


@pytest.mark.full
def test_the_sizes_of_both_tests_are_near_five_per_cent():
    rng = np.random.default_rng(3)
    series = rng.random((4000, 1000)) < 0.05
    for test in (lambda row: statistics.kupiec(row, 0.05), statistics.christoffersen):
        rejected = np.mean([test(row).p_value < 0.05 for row in series])
        assert 0.03 < rejected < 0.09
