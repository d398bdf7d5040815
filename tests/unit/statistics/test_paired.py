"""Figures of resampled returns, and how they differ between two series of which the same bars are drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate import statistics
from quorate.statistics._paired import figures_of, interval, resampled_differences

YEAR = 252.0
RNG = np.random.default_rng(3)
RETURNS = RNG.normal(0.0004, 0.01, 400)

OF_ONE = {
    "sharpe": lambda r: statistics.sharpe(r, YEAR),
    "sortino": lambda r: statistics.sortino(r, YEAR),
    "calmar": lambda r: statistics.calmar(statistics.equity_curve(r), YEAR),
    "total-return": lambda r: statistics.equity_curve(r)[-1] - 1,
    "cagr": lambda r: statistics.cagr(statistics.equity_curve(r), YEAR),
    "volatility": lambda r: statistics.volatility(r, YEAR),
    "max-drawdown": lambda r: statistics.max_drawdown(statistics.equity_curve(r)),
    "value-at-risk-95": lambda r: statistics.value_at_risk(r, 0.95),
    "expected-shortfall-95": lambda r: statistics.expected_shortfall(r, 0.95),
    "value-at-risk-99": lambda r: statistics.value_at_risk(r, 0.99),
    "expected-shortfall-99": lambda r: statistics.expected_shortfall(r, 0.99),
}
SERIES = {
    "usual": RETURNS,
    "short": RETURNS[:30],
    "gains-alone": np.abs(RETURNS),
    "still": np.zeros(50),
    "ruin": np.array([0.1, -1.0, 0.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("returns", SERIES.values(), ids=SERIES)
@pytest.mark.parametrize("name", OF_ONE)
def test_a_figure_of_a_draw_is_the_public_statistic_of_it(name, returns):
    drawn = np.stack([returns, returns[::-1]])
    expected = [OF_ONE[name](row) for row in drawn]
    np.testing.assert_allclose(figures_of(YEAR)[name](drawn), expected, rtol=1e-9, atol=1e-12)


def test_all_figures_are_covered():
    assert set(figures_of(YEAR)) == set(OF_ONE)


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(12, 80), st.floats(-0.9, 0.9))
def test_differences_change_their_sign_with_the_order_of_the_two(seed, n, alike):
    rng = np.random.default_rng(seed)
    one = rng.normal(0, 0.01, n)
    other = alike * one + rng.normal(0, 0.01, n)
    figures = figures_of(YEAR)
    there, block = resampled_differences(one, other, figures, 50, seed)
    back, same_block = resampled_differences(other, one, figures, 50, seed)
    assert block == same_block
    for name in figures:
        np.testing.assert_array_equal(there[name], -back[name])
        low, high = interval(there[name], 0.9)
        np.testing.assert_allclose(interval(back[name], 0.9), (-high, -low), rtol=1e-9, atol=1e-12)


def test_a_planted_difference_is_found_and_none_where_there_is_none():
    noise = RNG.normal(0, 0.002, len(RETURNS))
    better, alike = RETURNS + 0.001, RETURNS + noise - noise.mean()
    figures = {"sharpe": figures_of(YEAR)["sharpe"]}
    low, high = interval(resampled_differences(better, RETURNS, figures, 500, 1)[0]["sharpe"], 0.9)
    assert 0 < low < statistics.sharpe(better, YEAR) - statistics.sharpe(RETURNS, YEAR) < high
    low, high = interval(resampled_differences(alike, RETURNS, figures, 500, 1)[0]["sharpe"], 0.9)
    assert low < 0 < high


def test_the_same_bars_are_drawn_of_both_so_that_what_they_share_cancels():
    shared = RNG.normal(0, 0.01, 400)
    one, other = (shared + RNG.normal(0, 0.001, 400) for _ in range(2))
    figures = {"total-return": figures_of(YEAR)["total-return"]}
    low, high = interval(resampled_differences(one, other, figures, 500, 1)[0]["total-return"], 0.9)
    shuffled = RNG.permutation(other)
    wide_low, wide_high = interval(resampled_differences(one, shuffled, figures, 500, 1)[0]["total-return"], 0.9)
    assert 3 * (high - low) < wide_high - wide_low


def test_without_a_defined_draw_there_is_no_interval():
    still = np.zeros(40)
    drawn, _ = resampled_differences(still, still, figures_of(YEAR), 20, 0)
    assert all(math.isnan(bound) for bound in interval(drawn["sharpe"], 0.9))
    assert interval(drawn["volatility"], 0.9) == (0.0, 0.0)
