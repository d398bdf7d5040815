"""Tests of series that depend on what came before: as often wrong as they say, and equal to what is published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import signal, stats

from quorate import statistics
from support.series import KINDS

DRAWS = 2000


def share(p_values):
    return float(np.mean([p < 0.05 for p in p_values]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [252, 504, 1260])
def test_the_sharpe_ratio_is_tested_as_often_wrongly_as_it_says(kind, n):
    series = KINDS[kind](np.random.default_rng(n), DRAWS, n)
    assert 0.035 < share(statistics.sharpe_test(one).p_value for one in series) < 0.065


@pytest.mark.parametrize("kind", ["AR(1) .4", "clustered"])
def test_where_the_benchmark_is_no_zero_too(kind):
    series = KINDS[kind](np.random.default_rng(3), DRAWS, 504)
    aim = 1.0 / math.sqrt(252)
    series = series / series.std() + aim
    assert 0.035 < share(statistics.sharpe_test(one, aim).p_value for one in series) < 0.065


@pytest.mark.parametrize("kind", KINDS)
def test_alpha_is_tested_as_often_wrongly_as_it_says(kind):
    rng = np.random.default_rng(5)
    noise, market = KINDS[kind](rng, DRAWS, 504), KINDS[kind](rng, DRAWS, 504) + 0.06
    pairs = zip(noise + 0.8 * market, market, strict=True)
    assert 0.035 < share(statistics.alpha_test(one, other).p_value for one, other in pairs) < 0.065


def overlapping(rng, n, h):
    """Return labels that span h bars, and forecasts of them that last as long and know nothing."""
    moves, told = (np.cumsum(rng.normal(size=n + h)) for _ in range(2))
    return moves[h:] - moves[:-h], 0.3 * (told[h:] - told[:-h])


@pytest.mark.parametrize("h", [*(pytest.param(h, marks=pytest.mark.full) for h in (1, 5)), 20])
def test_forecasts_are_tested_as_often_wrongly_as_they_say(h):
    rng = np.random.default_rng(h)
    pairs = [overlapping(rng, 756, h) for _ in range(DRAWS)]
    naive = np.zeros(756)
    found = [statistics.forecast_covariance(y, naive, f, h, dependence="any").p_better for y, f in pairs]
    assert 0.035 < share(found) < 0.065
    # As published, of labels that overlap: half of what neighbours share is not seen.
    published = share(statistics.forecast_covariance(y, naive, f, h).p_better for y, f in pairs)
    assert (published > 0.065) == (h > 1)
    assert share(statistics.clark_west(y, naive, f, h, dependence="any").p_better for y, f in pairs) < 0.065


@pytest.mark.parametrize("h", [1, 20])
def test_losses_of_two_forecasts_that_are_as_good(h):
    rng = np.random.default_rng(h)
    found = []
    for _ in range(DRAWS):
        labels, first = overlapping(rng, 756, h)
        other = overlapping(rng, 756, h)[1]
        found.append(statistics.diebold_mariano(labels - first, labels - other, h, dependence="any").p_value)
    assert 0.035 < share(found) < 0.065


@pytest.mark.parametrize("rho", [pytest.param(0.0, marks=pytest.mark.full), 0.4])
def test_the_best_of_several_is_tested_as_often_wrongly_as_it_says(rho):
    rng, found, published = np.random.default_rng(7), [], []
    for _ in range(300):
        losses = signal.lfilter([1.0], [1.0, -rho], rng.normal(size=(350, 4)), axis=0)[98:]
        found.append(statistics.spa(np.zeros(252), losses, 1, 200, dependence="any").p_value)
        published.append(statistics.spa(np.zeros(252), losses, 1, 200).p_value)
    assert 0.02 < share(found) < 0.09
    assert rho == 0 or share(published) > share(found)


def test_the_best_of_several_is_told_from_chance_as_ever():
    rng = np.random.default_rng(8)
    losses = rng.normal(size=(504, 4)) - np.array([0.3, 0.0, 0.0, -0.2])
    found = statistics.spa(np.zeros(504), losses, 1, 500, dependence="any")
    assert found.p_value < 0.01
    assert found.superior() == (0,)
    again = statistics.spa(np.zeros(504), 3 * losses, 1, 500, dependence="any")
    assert again.p_models == pytest.approx(found.p_models)
    alone = statistics.spa(np.zeros(504), rng.normal(size=(504, 1)) - 0.06, 1, 5000, dependence="any")
    assert alone.p_lower <= alone.p_value <= alone.p_upper


# --- what they are


def test_the_error_of_a_sharpe_ratio_is_the_published_one_where_nothing_depends_on_anything():
    returns = stats.skewnorm.rvs(-8, size=200_000, random_state=1) * 0.01 + 0.012
    found = statistics.sharpe_test(returns)
    moments = statistics.moments(returns)
    assert abs(moments.skew) > 0.8
    assert found.error == pytest.approx(statistics.sharpe_standard_error(*moments), rel=0.03)
    normal = statistics.sharpe_standard_error(moments.per_bar, len(returns))
    assert found.error != pytest.approx(normal, rel=0.1)


def test_of_returns_that_last_the_error_is_that_of_lo():
    # Lo (2002): with AR(1) of rho and a Sharpe ratio near zero, the variance of the mean is (1 + rho) / (1 - rho) fold.
    returns = signal.lfilter([1.0], [1.0, -0.4], np.random.default_rng(2).normal(size=300_000))
    found = statistics.sharpe_test(returns)
    assert found.error * math.sqrt(len(returns)) == pytest.approx(math.sqrt(1.4 / 0.6), rel=0.03)


def test_probability_and_p_value_are_one_figure_and_the_bars_that_are_missing_are_those_that_it_takes():
    returns = np.random.default_rng(3).normal(0.0004, 0.01, 800)
    found = statistics.sharpe_test(returns)
    assert found.probability == pytest.approx(1 - found.p_value)
    assert found.per_bar == statistics.sharpe(returns, 1)
    assert found.p_value == pytest.approx(stats.t.sf(found.per_bar / found.error, found.freedom))
    needed = found.bars(0.95)
    few, enough = (statistics.SharpeTest(found.per_bar, 0.0, found.deviation, 0, int(needed) - k) for k in (1, 0))
    assert few.p_value > 0.05 >= enough.p_value
    assert math.isnan(statistics.sharpe_test(-returns).bars())
    above = statistics.sharpe_test(returns, 2 * found.per_bar)
    assert above.probability < 0.5
    assert math.isnan(above.bars())


def test_alpha_and_beta_are_those_of_the_regression():
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(4)
    market = rng.normal(0.0004, 0.01, 5000)
    returns = 0.5 * market + rng.normal(0.0003, 0.008, 5000)
    found = statistics.alpha_test(returns, market)
    fitted = OLS(returns, np.column_stack([np.ones(5000), market])).fit(cov_type="HC0")
    assert (found.alpha, found.beta) == pytest.approx(tuple(fitted.params))
    assert found.alpha * 252 == pytest.approx(statistics.alpha(returns, market, 252))
    assert found.alpha / found.t == pytest.approx(fitted.bse[0], rel=0.1)  # by as few cosines as it has
    assert found.low == pytest.approx(found.alpha - stats.t.ppf(0.95, found.freedom) * found.alpha / found.t)
    assert found.p_value == pytest.approx(stats.t.sf(found.t, found.freedom))


def test_alpha_where_there_is_no_market_to_speak_of():
    returns = np.random.default_rng(6).normal(0.0004, 0.01, 300)
    flat = statistics.alpha_test(returns, np.zeros(300))
    assert (flat.alpha, flat.beta, flat.t) == pytest.approx((returns.mean(), 0.0, statistics.mean_test(returns).t))
    held = statistics.alpha_test(0.5 * returns, returns)
    assert held.alpha == pytest.approx(0.0, abs=1e-15)
    assert math.isnan(held.p_value)
    assert math.isnan(statistics.alpha_test(returns, []).alpha)
    assert math.isnan(statistics.alpha_test(returns[:5], returns[5:10]).p_value)
