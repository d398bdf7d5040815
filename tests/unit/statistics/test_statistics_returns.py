"""Figures of returns and drawdowns against hand values, published figures and their own definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quorate import statistics
from quorate.statistics._resampling import positions
from quorate_data.bundled import bundled

FOUR = np.array([0.02, -0.01, 0.03, -0.02])
MARKET = np.array([0.01, -0.01, 0.02, -0.02])
NONE = np.empty(0)
UNKNOWN = np.array([0.01, math.nan, 0.02])
RETURNS = hnp.arrays(np.float64, st.integers(2, 60), elements=st.integers(-500, 500).map(lambda i: i / 1000))
LONG = hnp.arrays(np.float64, st.integers(20, 150), elements=st.integers(-500, 500).map(lambda i: i / 1000))


# --- Sortino, Calmar, growth


def test_the_downside_deviation_is_over_all_bars():
    # 0.005 / sqrt((0.01^2 + 0.02^2) / 4) by hand; over the losses alone it would be 0.316.
    assert statistics.sortino(FOUR, 1) == pytest.approx(0.005 / math.sqrt(0.0005 / 4), rel=1e-12)
    assert statistics.sortino(FOUR, 252) == pytest.approx(7.0992957397195395, rel=1e-12)


@pytest.mark.parametrize("returns", [NONE, FOUR[:1], np.zeros(9), np.full(9, 0.1), UNKNOWN],
                         ids=["none", "one", "never traded", "only gains", "unknown"])  # fmt: skip
def test_an_undefined_sortino_is_nan(returns):
    assert math.isnan(statistics.sortino(returns, 252))


def test_calmar_is_growth_over_depth():
    equity = statistics.equity_curve(np.array([-0.1, 0.5]))
    assert statistics.calmar(equity, 1) == pytest.approx((math.sqrt(1.35) - 1) / 0.1, rel=1e-12)
    assert math.isnan(statistics.calmar(np.array([1.0, 1.1, 1.2]), 1))
    assert math.isnan(statistics.calmar(np.array([1.0, 0.5, 0.0]), 1))


def test_growth_beyond_all_numbers_is_undefined_and_not_infinite():
    assert math.isnan(statistics.cagr(np.array([1.0, 21.0]), 252))
    stamps = np.array(["2018-01-01", "2018-01-02"], dtype="datetime64[us]")
    assert math.isnan(statistics.cagr_calendar(np.array([1.0, 21.0]), stamps))


def test_calendar_growth_counts_years_of_365_25_days():
    stamps = np.array(["2015-01-01", "2018-12-31T18:00", "2019-01-01"], dtype="datetime64[us]")
    assert statistics.cagr_calendar(np.array([1.0, 9.0, 16.0]), stamps) == pytest.approx(1.0, rel=1e-12)
    assert math.isnan(statistics.cagr_calendar(np.array([1.0]), stamps[:1]))
    assert math.isnan(statistics.cagr_calendar(np.array([1.0, 2.0]), stamps[[1, 0]]))


# arch 8.0.0's bundled closes: calendar growth, peak and trough of the deepest drawdown.
BUNDLED = {
    "sp500 1999-2018": ("sp500", "1999-01-04", 0.03634229, "2007-10-09", "2009-03-09"),
    "sp500 2014-2018": ("sp500", "2014-01-02", 0.06481738, "2018-09-20", "2018-12-24"),
    "nasdaq 2014-2018": ("nasdaq", "2014-01-02", 0.0988992, "2018-08-29", "2018-12-24"),
}


@pytest.mark.parametrize("dataset, first, growth, peak, trough", BUNDLED.values(), ids=BUNDLED)
def test_growth_and_deepest_drawdown_of_the_bundled_market(dataset, first, growth, peak, trough):
    bars = bundled(dataset)
    bars = bars.take(int(np.searchsorted(bars.sessions, np.datetime64(first))), len(bars))
    assert statistics.cagr_calendar(bars.close[:, 0], bars.times) == pytest.approx(growth, abs=1e-5)
    worst = statistics.worst_drawdown(bars.close[:, 0])
    assert (str(bars.sessions[worst.peak]), str(bars.sessions[worst.trough])) == (peak, trough)
    assert worst.depth == statistics.max_drawdown(bars.close[:, 0])


# --- value at risk and expected shortfall

HUNDRED = np.arange(-49, 51) / 1000  # losses 4.9 % to -5.0 %


@pytest.mark.parametrize("level, var, es", [(0.95, 0.044, 0.047), (0.99, 0.048, 0.049), (0.90, 0.039, 0.0445)])
def test_the_tail_of_a_hundred_bars_by_hand(level, var, es):
    shuffled = np.random.default_rng(0).permutation(HUNDRED)
    assert statistics.value_at_risk(shuffled, level) == pytest.approx(var, abs=1e-12)
    assert statistics.expected_shortfall(shuffled, level) == pytest.approx(es, abs=1e-12)


def test_a_bar_that_is_half_beyond_the_level_counts_half():
    # 30 bars, 1.5 beyond 95 % (Acerbi and Tasche 2002).
    assert statistics.expected_shortfall(HUNDRED[:30]) == pytest.approx((0.049 + 0.5 * 0.048) / 1.5, rel=1e-12)


@pytest.mark.parametrize("returns", [NONE, HUNDRED[:19], np.full(30, math.nan)], ids=["none", "no tail", "unknown"])
def test_without_a_bar_beyond_the_level_there_is_no_tail(returns):
    assert math.isnan(statistics.value_at_risk(returns))
    assert math.isnan(statistics.expected_shortfall(returns))


@given(LONG)
def test_value_at_risk_is_the_generalised_inverse_and_the_shortfall_is_coherent(returns):
    var, es = statistics.value_at_risk(returns), statistics.expected_shortfall(returns)
    assert np.mean(-returns <= var) >= 0.95 - 1e-12
    assert np.mean(-returns < var) < 0.95
    assert es >= var - 1e-12
    # Rockafellar and Uryasev (2000): the minimum over c of c + E max(loss - c, 0) / (1 - level), which is at VaR.
    assert es == pytest.approx(var + np.mean(np.maximum(-returns - var, 0)) / 0.05, abs=1e-9)


# --- beside the market


def test_beta_alpha_and_information_ratio_by_hand():
    # The market's mean is zero: sum of products 0.0013 over sum of squares 0.0010; active returns 1 %, 0, 1 %, 0.
    assert statistics.beta(FOUR, MARKET) == pytest.approx(1.3, rel=1e-12)
    assert statistics.alpha(FOUR, MARKET, 252) == pytest.approx(0.005 * 252, rel=1e-12)
    expected = 0.005 / math.sqrt(4 * 0.005**2 / 3) * math.sqrt(252)
    assert statistics.information_ratio(FOUR, MARKET, 252) == pytest.approx(expected, rel=1e-9)


@given(RETURNS, st.floats(-3, 3), st.floats(-0.01, 0.01))
def test_beta_and_alpha_find_the_line_that_made_the_returns(market, slope, level):
    if np.std(market) < 1e-9:
        assert math.isnan(statistics.beta(market * slope, market))
        return
    returns = level + slope * market
    assert statistics.beta(returns, market) == pytest.approx(slope, abs=1e-8)
    assert statistics.alpha(returns, market, 252) == pytest.approx(level * 252, abs=1e-6)


@pytest.mark.parametrize("market", [NONE, np.zeros(4), np.full(4, math.nan)], ids=["not known", "cash", "nan"])
def test_without_a_market_there_is_nothing_beside_it(market):
    assert math.isnan(statistics.beta(FOUR, market))
    assert math.isnan(statistics.alpha(FOUR, market, 252))
    if len(market) == len(FOUR) and np.isfinite(market).all():
        assert statistics.information_ratio(FOUR, market, 252) == statistics.sharpe(FOUR, 252)
    else:
        assert math.isnan(statistics.information_ratio(FOUR, market, 252))


def test_the_market_has_no_information_ratio():
    assert math.isnan(statistics.information_ratio(MARKET, MARKET, 252))


# --- autocorrelation


def test_lo_annualises_an_ar1_series_as_published():
    # Lo (2002) eq. 20, rho_k = 0.2^k, q = 12: closed form; sqrt(12) = 3.4641 would overstate by a fifth.
    assert statistics.lo_eta(0.2 ** np.arange(1, 12), 12) == pytest.approx(2.87884869052744, abs=1e-9)


def test_without_autocorrelation_lo_is_the_square_root():
    assert statistics.lo_eta(np.zeros(5), 252) == pytest.approx(math.sqrt(252), rel=1e-12)
    assert statistics.lo_eta(NONE, 252) == pytest.approx(math.sqrt(252), rel=1e-12)
    assert math.isnan(statistics.lo_eta(np.array([-0.9, -0.9]), 12))


def test_lags_from_a_year_on_do_not_count():
    assert statistics.lo_eta(np.array([0.1, 0.7, 0.7]), 2) == statistics.lo_eta(np.array([0.1]), 2)


def test_positive_autocorrelation_lowers_the_sharpe_ratio():
    noise = np.random.default_rng(5).normal(0.0005, 0.01, 3000)
    trending = noise.copy()
    for t in range(1, len(trending)):
        trending[t] += 0.3 * trending[t - 1]
    assert 0.5 < statistics.lo_factor(trending, 252) / math.sqrt(252) < 0.85  # in the limit sqrt((1 - 0.3) / 1.3)
    assert statistics.lo_factor(noise, 252) == pytest.approx(math.sqrt(252), rel=0.15)
    expected = statistics.sharpe(trending, 1) * statistics.lo_factor(trending, 252)
    assert statistics.lo_sharpe(trending, 252) == pytest.approx(expected, rel=1e-12)


def test_autocorrelation_by_hand():
    series = np.array([1.0, -1.0] * 10)
    assert statistics.autocorrelation(series) == pytest.approx(-19 / 20, rel=1e-12)
    assert statistics.autocorrelation(series, 2) == pytest.approx(18 / 20, rel=1e-12)


@pytest.mark.parametrize("returns", [NONE, FOUR[:1], np.zeros(30), UNKNOWN],
                         ids=["none", "one", "never traded", "unknown"])  # fmt: skip
def test_undefined_autocorrelation_leaves_no_factor(returns):
    assert math.isnan(statistics.autocorrelation(returns))
    assert math.isnan(statistics.lo_factor(returns, 252))
    assert math.isnan(statistics.lo_sharpe(returns, 252))


# --- drawdowns


@pytest.mark.parametrize(
    "equity, expected",
    [
        ([100, 110, 55, 82, 115, 114], (-0.5, 1, 2, 4, 3)),
        ([100, 110, 55, 60], (-0.5, 1, 2, None, 2)),
        ([100, 50, 100, 50, 100], (-0.5, 0, 1, 2, 2)),
        ([100, 110, 110, 99, 110], (-0.1, 2, 3, 4, 2)),
        ([100, 90], (-0.1, 0, 1, None, 1)),
    ],
    ids=["recovered", "not recovered", "the first of two", "the last bar at the peak", "from the capital"],
)
def test_the_deepest_drawdown_by_hand(equity, expected):
    worst = statistics.worst_drawdown(np.array(equity, dtype=float))
    assert (round(worst.depth, 12), worst.peak, worst.trough, worst.recovery, worst.bars) == expected


@pytest.mark.parametrize("equity", [[], [1.0], [1.0, 1.0, 2.0], [1.0, math.nan, 0.5]],
                         ids=["empty", "one", "never falls", "unknown"])  # fmt: skip
def test_without_a_fall_there_is_no_drawdown(equity):
    assert statistics.worst_drawdown(np.array(equity)) is None


@given(RETURNS)
def test_a_drawdown_is_bounded_by_its_own_places(returns):
    equity = statistics.equity_curve(returns)
    worst = statistics.worst_drawdown(equity)
    assert (worst is None) == (statistics.max_drawdown(equity) == 0)
    if worst is None:
        return
    assert worst.depth == statistics.max_drawdown(equity)
    assert equity[: worst.trough + 1].max() == equity[worst.peak]
    assert worst.peak < worst.trough
    if worst.recovery is None:
        assert (equity[worst.trough :] < equity[worst.peak]).all()
    else:
        assert equity[worst.recovery] >= equity[worst.peak] > equity[worst.recovery - 1]


def test_the_resampled_drawdown_is_that_of_histories_drawn_one_by_one():
    returns = np.random.default_rng(3).normal(0.0005, 0.01, 400)
    rows = np.concatenate(list(positions(400, statistics.block_length(returns), 500, 7))) % 400
    drawn = (statistics.equity_curve(returns[row]) for row in rows)
    expected = np.quantile([statistics.max_drawdown(equity) for equity in drawn], 0.05)
    assert statistics.drawdown_quantile(returns, seed=7) == pytest.approx(expected, rel=1e-12)


# --- closed trades


def test_figures_of_trades_by_hand():
    gains = np.array([0.1, 0.0, -0.05, 0.03])
    assert statistics.win_rate(gains) == 0.5
    assert statistics.expectancy(gains) == pytest.approx(0.02, rel=1e-12)
    assert statistics.profit_factor(gains) == pytest.approx(2.6, rel=1e-12)
    assert statistics.payoff(gains) == pytest.approx(1.3, rel=1e-12)


@pytest.mark.parametrize("function", ["win_rate", "expectancy", "profit_factor", "payoff"])
@pytest.mark.parametrize("gains", [NONE, UNKNOWN], ids=["no trade", "unknown"])
def test_figures_of_no_trades_are_undefined(function, gains):
    assert math.isnan(getattr(statistics, function)(gains))


def test_a_ratio_of_gains_and_losses_needs_losses():
    assert math.isnan(statistics.profit_factor(np.array([0.1, 0.0])))
    assert math.isnan(statistics.payoff(np.array([0.1, 0.0])))
    assert statistics.profit_factor(np.array([0.0, -0.1])) == 0
    assert math.isnan(statistics.payoff(np.array([0.0, -0.1])))


@given(RETURNS)
def test_the_win_rate_and_payoff_give_the_expectancy(gains):
    p, ratio = statistics.win_rate(gains), statistics.payoff(gains)
    if math.isnan(ratio) or (gains == 0).any():
        return
    loss = -gains[gains < 0].mean()
    assert statistics.expectancy(gains) == pytest.approx(loss * (p * ratio - (1 - p)), abs=1e-12)
