"""Statistics against published and independently computed figures; each case names where its number is from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quorate import statistics
from quorate.bars.quality import market_figures
from quorate_data.bundled import bundled

# Returns of empyrical-reloaded's tests (tests/conftest.py, commit efe6066; percent there). Its "mixed"
# series begins with a NaN that it skips; ours must be complete, so the case is carried without it.
MIXED = np.array([0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10])
FALLING = np.array([-0.02, -0.06, -0.07, -0.01, -0.09, -0.02, -0.06, -0.08, -0.05])
RISING = np.array([0.01, 0.02, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01])
EMPYRICAL = "empyrical-reloaded, tests/test_stats.py, commit efe6066"
BAILEY = "Bailey and Lopez de Prado (2012), The Sharpe Ratio Efficient Frontier, J. of Risk 15(2)"
DEFINITION = "by definition"


def cases(*rows):
    return [pytest.param(*row[:-1], id=f"{i + 1}: {row[-1]}") for i, row in enumerate(rows)]


# --- Sharpe ratio and volatility


@pytest.mark.parametrize(
    "returns, per_year, expected",
    cases(
        (MIXED, 252, 1.7238613961706866, f"mixed, {EMPYRICAL}::test_sharpe_ratio"),
        # A risk-free rate is taken off the returns first: rates 0.01, 0, 0.01, ... beside MIXED.
        (
            MIXED - np.array([0.01, 0] * 4),
            252,
            0.34111411441060574,
            f"over a risk-free rate, {EMPYRICAL}::test_sharpe_ratio",
        ),
        (np.array([0.0, 0.02]), 1, 1 / math.sqrt(2), f"two returns, ddof 1, {DEFINITION}"),
        (np.array([0.0, 0.02]), 4, 2 / math.sqrt(2), f"grows with the root of the year, {DEFINITION}"),
    ),
)
def test_sharpe(returns, per_year, expected):
    assert statistics.sharpe(returns, per_year) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    "returns",
    [
        pytest.param(np.zeros(5), id="never traded (vectorbt: infinite, pybroker: 0)"),
        pytest.param(np.full(9, 0.1), id="constant, its deviation only rounding"),
        pytest.param(np.array([0.01]), id="a single return"),
        pytest.param(np.array([]), id="no return"),
        pytest.param(np.array([0.01, math.nan, 0.02]), id="a return is unknown"),
        pytest.param(np.array([0.01, math.inf, 0.02]), id="a return is infinite"),
    ],
)
def test_an_undefined_sharpe_is_nan_and_has_no_interval(returns):
    assert math.isnan(statistics.sharpe(returns, 252))
    assert all(math.isnan(bound) for bound in statistics.sharpe_interval(returns, 252))


def test_volatility():
    # empyrical-reloaded, tests/test_stats.py::test_annual_volatility, "mixed" without its leading NaN.
    assert statistics.volatility(MIXED, 252) == pytest.approx(0.9136465399704637, rel=1e-8)
    assert math.isnan(statistics.volatility(MIXED[:1], 252))


@pytest.mark.parametrize(
    "per_bar, n, skew, kurtosis, expected, tolerance",
    cases(
        (0.7079, 134, -0.225, 2.957, 0.1028, 5e-5, f"hedge fund index 1, {BAILEY}"),
        (0.5, 13, 0.0, 3.0, math.sqrt((1 + 0.5**2 / 2) / 12), 1e-15, "Lo (2002) eq. 9, with T - 1"),
    ),
)
def test_standard_error_of_the_sharpe_ratio(per_bar, n, skew, kurtosis, expected, tolerance):
    assert statistics.sharpe_standard_error(per_bar, n, skew, kurtosis) == pytest.approx(expected, abs=tolerance)


def test_the_probability_of_a_positive_sharpe_ratio_in_the_published_example():
    # Bailey and Lopez de Prado (2012): 0.982 with normal moments, 0.913 with the actual ones.
    from scipy.stats import norm

    for moments, expected in (((0.0, 3.0), 0.982), ((-2.448, 10.164), 0.913)):
        error = statistics.sharpe_standard_error(0.458, 24, *moments)
        assert norm.cdf(0.458 / error) == pytest.approx(expected, abs=5e-4)


def test_the_interval_is_the_estimate_and_as_many_standard_errors_as_the_confidence_asks():
    from scipy import stats

    returns = np.random.default_rng(0).standard_t(4, 500) / 100
    per_bar = returns.mean() / returns.std(ddof=1)
    found = statistics.sharpe_test(returns)
    assert found.per_bar == pytest.approx(per_bar)
    low, high = statistics.sharpe_interval(returns, 252, confidence=0.90)
    assert (low + high) / 2 == pytest.approx(statistics.sharpe(returns, 252))
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.95, found.freedom) * found.error * math.sqrt(252))


def test_the_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    truth = 0.1 * math.sqrt(252)
    bounds = [statistics.sharpe_interval(rng.normal(0.001, 0.01, 300), 252, 0.90) for _ in range(400)]
    assert np.mean([low < truth < high for low, high in bounds]) == pytest.approx(0.90, abs=0.04)


# --- equity


@pytest.mark.parametrize(
    "returns, expected",
    cases(
        (MIXED, -0.1, f"mixed, {EMPYRICAL}::test_max_drawdown"),
        (FALLING, -0.378589157, f"falling from the first bar: the peak is the capital, {EMPYRICAL}::test_max_drawdown"),
        (np.array([0.01]), 0.0, f"one gain, {EMPYRICAL}::test_max_drawdown"),
        (RISING, 0.0, f"rising, {EMPYRICAL}::test_max_drawdown"),
        (np.array([-0.5, 0.1, 0.1, -0.05, 0.02]), -0.5, "loss on the first bar (vectorbt 1.2.0: -0.05), by definition"),
        (np.array([]), 0.0, f"the capital alone, {DEFINITION}"),
    ),
)
def test_max_drawdown(returns, expected):
    assert statistics.max_drawdown(statistics.equity_curve(returns)) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("equity", [[], [1.0, math.nan, 2.0], [1.0, math.inf]], ids=["empty", "nan", "infinite"])
def test_an_undefined_drawdown_is_nan(equity):
    assert math.isnan(statistics.max_drawdown(np.array(equity)))


def test_drawdowns_are_measured_from_the_highest_value_so_far():
    equity = np.array([100.0, 120.0, 90.0, 120.0, 150.0, 75.0])
    assert statistics.drawdowns(equity).tolist() == [0, 0, -0.25, 0, 0, -0.5]


def test_equity_begins_with_the_capital():
    assert statistics.equity_curve(np.array([0.5, -0.5]), 100).tolist() == [100, 150, 75]


@pytest.mark.parametrize(
    "equity, per_year, expected",
    cases(
        # empyrical counts the leading NaN of its "mixed" series as a bar; here it is a bar without a return.
        (
            statistics.equity_curve(np.concatenate(([0.0], MIXED))),
            252,
            1.9135925373194231,
            f"mixed, {EMPYRICAL}::test_annual_ret",
        ),
        (np.array([100.0, 110.0, 121.0]), 2, 0.21, f"two bars make the year, {DEFINITION}"),
        (np.array([100.0, 121.0]), 0.5, 0.1, f"one bar in two years, {DEFINITION}"),
    ),
)
def test_cagr_counts_bars(equity, per_year, expected):
    assert statistics.cagr(equity, per_year) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(
    "equity", [[100.0], [100.0, 0.0], [100.0, -5.0]], ids=["no bar", "all lost", "more than all lost"]
)
def test_an_undefined_cagr_is_nan(equity):
    assert math.isnan(statistics.cagr(np.array(equity), 252))


def test_the_drawdown_quantile_is_reproducible_and_deeper_the_further_out():
    returns = np.random.default_rng(3).normal(0.0005, 0.01, 400)
    first = statistics.drawdown_quantile(returns, seed=7)
    assert statistics.drawdown_quantile(returns, seed=7) == first
    assert statistics.drawdown_quantile(returns, seed=8) != first
    assert -1 < first < statistics.drawdown_quantile(returns, seed=7, quantile=0.5) < 0


@pytest.mark.parametrize(
    "returns",
    [np.zeros(100), np.full(19, 0.01), np.array([math.nan] * 30)],
    ids=["never traded", "too short", "unknown"],
)
def test_an_undefined_drawdown_quantile_is_nan(returns):
    assert math.isnan(statistics.drawdown_quantile(returns, seed=0))


# --- proportions


def _wilson(wins, n, z):
    p = wins / n
    return (p + z**2 / (2 * n) - z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))) / (1 + z**2 / n)


@pytest.mark.parametrize("wins, n", [(0, 5), (53, 100), (60, 68), (5, 5)])
def test_wilson_lower_bound_is_the_closed_form(wins, n):
    # Wilson (1927); one-sided, so 95 % has the normal quantile 1.6449.
    assert statistics.wilson_lower(wins, n) == pytest.approx(_wilson(wins, n, 1.6448536269514722), abs=1e-12)


def test_wilson_lower_bound_of_known_cases():
    assert statistics.wilson_lower(53, 100) == pytest.approx(0.4482, abs=5e-5)  # Wilson (1927), worked out by hand
    # 55 % of 271 trades are just enough to be more than half, 55 % of 200 are not.
    assert statistics.wilson_lower(150, 271) > 0.5 > statistics.wilson_lower(110, 200)
    assert math.isnan(statistics.wilson_lower(0, 0))


# --- the market itself: arch 8.0.0's bundled closes; numpy = empyrical-reloaded 0.7.1 = quantstats 0.0.86

MARKETS = {
    "nasdaq 1999-2018": ("nasdaq", None, 5031, 5e-5, {"sharpe": 0.3442, "max-drawdown": -0.7793, "cagr": 0.0567}),
    "nasdaq 2014-2018": ("nasdaq", "2014-01-02", 1258, 1e-8, {
        "sharpe": 0.67354307, "max-drawdown": -0.23635552, "cagr": 0.09901856, "total-return": 0.60153704,
        "volatility": 0.15901268}),
    "sp500 1999-2018": ("sp500", None, 5031, 1e-8, {
        "sharpe": 0.28273923, "max-drawdown": -0.56775388, "cagr": 0.03639554, "total-return": 1.04124269,
        "volatility": 0.19098207}),
    "sp500 2014-2018": ("sp500", "2014-01-02", 1258, 1e-8, {
        "sharpe": 0.54165707, "max-drawdown": -0.1977821, "cagr": 0.0648944, "total-return": 0.36838291,
        "volatility": 0.13226827}),
}  # fmt: skip


@pytest.mark.parametrize("dataset, first, n_bars, tolerance, expected", MARKETS.values(), ids=MARKETS)
def test_the_bundled_market_has_the_published_figures(dataset, first, n_bars, tolerance, expected):
    bars = bundled(dataset)
    start = 0 if first is None else int(np.searchsorted(bars.sessions, np.datetime64(first)))
    figures = market_figures(bars.take(start, len(bars)))
    assert (figures["first"], figures["last"]) == (first or "1999-01-04", "2018-12-31")
    assert figures["returns"] == n_bars - 1
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=tolerance)


def test_a_panels_market_is_the_mean_of_those_that_moved():
    bars = bundled("indices").take(0, 4)
    moves = bars.close[1:] / bars.close[:-1] - 1
    assert market_figures(bars)["total-return"] == pytest.approx(np.prod(1 + moves.mean(axis=1)) - 1)


def test_the_bootstrap_block_is_that_of_arch_and_grows_with_dependence():
    # arch's own documented series: y[t] = 0.3 y[t-1] + e[t], RandomState(0), 10,100 draws, the first 100 dropped.
    y = np.random.RandomState(0).standard_normal(10_100)
    for t in range(1, len(y)):
        y[t] += 0.3 * y[t - 1]
    assert statistics.block_length(y[100:]) == pytest.approx(13.635665, abs=1e-5)
    noise = np.random.default_rng(0).normal(size=2000)
    assert 1 <= statistics.block_length(noise) < statistics.block_length(np.convolve(noise, np.ones(20), "valid"))
