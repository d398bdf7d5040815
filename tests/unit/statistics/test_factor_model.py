"""The regression on factors: against another implementation, its errors, and what it finds where something is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from quorate import statistics

MIX = np.array([[0.010, 0, 0], [0.002, 0.006, 0], [-0.002, 0.001, 0.006]])
BETAS = (0.5, -0.3, 0.2)


def drawn(n, seed=0, ar=0.0, alpha=0.0):
    """Return returns with known betas to three related factors, and these."""
    rng = np.random.default_rng(seed)
    factors = rng.standard_normal((n, 3)) @ MIX.T + [0.0004, 0.0001, 0.0001]
    errors = lfilter([math.sqrt(1 - ar**2)], [1, -ar], rng.standard_normal(n + 50))[50:]
    return alpha + factors @ BETAS + 0.008 * errors, factors


def with_constant(factors):
    return np.column_stack([np.ones(len(factors)), factors])


@pytest.mark.parametrize("n, k", [(20, 1), (60, 3), (1500, 3), (700, 6)])
def test_coefficients_are_those_of_statsmodels(n, k):
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(n)
    factors = rng.normal(0, 0.01, (n, k)) @ rng.normal(size=(k, k)) + rng.normal(0, 0.001, k)
    returns = factors @ rng.normal(size=k) + rng.normal(0.0005, 0.01, n)
    found, expected = statistics.factor_model(returns, factors), OLS(returns, with_constant(factors)).fit()
    coefficients = [found.alpha.value, *(one.value for one in found.betas)]
    np.testing.assert_allclose(coefficients, expected.params, rtol=1e-10, atol=1e-12)
    assert found.r_squared == pytest.approx(expected.rsquared, abs=1e-10)
    assert found.residual == pytest.approx(math.sqrt(expected.mse_resid), rel=1e-10)
    assert (found.n, found.freedom) == (n, round(0.4 * n ** (2 / 3)))


def test_errors_are_the_long_run_errors_of_the_influence():
    returns, factors = drawn(500, ar=0.4)
    found = statistics.factor_model(returns, factors, confidence=0.9)
    x = with_constant(factors)
    terms = (returns - x @ np.linalg.lstsq(x, returns)[0])[:, None] * (x @ np.linalg.inv(x.T @ x / len(x)))
    from scipy.fft import dct
    from scipy.stats import t as student

    waves = dct(terms, norm="ortho", axis=0)[1 : found.freedom + 1]
    errors = np.sqrt((waves**2).mean(axis=0) / len(returns))
    for one, error in zip((found.alpha, *found.betas), errors, strict=True):
        half = student.ppf(0.95, found.freedom) * error
        assert (one.low, one.high) == pytest.approx((one.value - half, one.value + half), rel=1e-9)
        assert one.p_value == pytest.approx(2 * student.sf(abs(one.value) / error, found.freedom), rel=1e-8)
    assert found.p_above == pytest.approx(student.sf(found.alpha.value / errors[0], found.freedom), rel=1e-8)


def test_with_one_factor_it_is_the_test_of_alpha_to_the_last_bit():
    returns, factors = drawn(400, alpha=0.0003)
    one = statistics.factor_model(returns, factors[:, :1], confidence=0.9)
    test = statistics.alpha_test(returns, factors[:, 0], confidence=0.95)
    assert (one.alpha.value, one.alpha.low, one.p_above) == (test.alpha, test.low, test.p_value)
    assert (one.betas[0].value, one.freedom) == (test.beta, test.freedom)
    assert test.beta == statistics.beta(returns, factors[:, 0])


def test_what_is_planted_is_found_and_nothing_where_nothing_is():
    returns, factors = drawn(1000, alpha=0.001)
    found = statistics.factor_model(returns, factors, confidence=0.999)
    assert found.alpha.low > 0
    assert found.p_above < 0.0005
    assert all(one.low < beta < one.high for one, beta in zip(found.betas, BETAS, strict=True))
    assert found.appraisal == found.alpha.value / found.residual
    clean = statistics.factor_model(*drawn(1000, seed=1))
    assert clean.p_above > 0.05
    assert clean.alpha.low < 0 < clean.alpha.high


@settings(max_examples=20)
@given(st.floats(0.01, 100), st.floats(-3, 3), st.integers(0, 50))
def test_scaling_a_factor_scales_its_beta_alone_and_adding_one_adds_to_it(scale, more, seed):
    returns, factors = drawn(120, seed)
    base = statistics.factor_model(returns, factors)
    scaled = statistics.factor_model(returns, factors * [1, scale, 1])
    added = statistics.factor_model(returns + more * factors[:, 2], factors)
    np.testing.assert_allclose(scaled.betas[1].value * scale, base.betas[1].value, rtol=1e-8, atol=1e-10)
    assert scaled.alpha.value == pytest.approx(base.alpha.value, abs=1e-10)
    assert scaled.p_above == pytest.approx(base.p_above, abs=1e-6)
    assert added.betas[2].value == pytest.approx(base.betas[2].value + more, abs=1e-8)
    assert added.alpha.low == pytest.approx(base.alpha.low, abs=1e-9)


def test_the_order_of_factors_changes_nothing():
    returns, factors = drawn(300)
    one, other = statistics.factor_model(returns, factors), statistics.factor_model(returns, factors[:, ::-1])
    for a, b in zip(one.betas, other.betas[::-1], strict=True):
        assert (a.value, a.low, a.high) == pytest.approx((b.value, b.low, b.high), rel=1e-9)


def test_a_factor_that_is_constant_or_made_of_others_is_named_and_nothing_is_told():
    returns, factors = drawn(200)
    for at, column in ((3, factors @ [1, -2, 0.5] + 0.01), (3, np.full(200, 0.001)), (3, np.zeros(200))):
        table = np.column_stack([factors, column])
        found = statistics.factor_model(returns, table)
        assert found.dependent == at
        assert math.isnan(found.alpha.value)
        assert len(found.betas) == 4
        assert math.isnan(found.p_above)
    assert statistics.factor_model(returns, factors).dependent is None
    near = np.column_stack([factors, factors[:, 0] + 1e-4 * factors[:, 1] + 1e-6 * np.sin(np.arange(200))])
    assert statistics.factor_model(returns, near).dependent is None


def test_what_cannot_be_told_is_nan():
    returns, factors = drawn(13)
    assert math.isnan(statistics.factor_model(returns, factors).alpha.value)
    returns, factors = drawn(50)
    assert math.isnan(statistics.factor_model(np.append(returns[1:], math.nan), factors).alpha.value)
    assert math.isnan(statistics.factor_model(returns, factors[:, :0]).alpha.value)
    exact = statistics.factor_model(factors @ BETAS, factors)
    assert [one.value for one in exact.betas] == pytest.approx(BETAS)
    assert math.isnan(exact.p_above)


def test_capture_by_hand():
    market = np.array([0.02, -0.01, 0.04, 0.0, -0.03])
    returns = np.array([0.01, -0.01, 0.05, 0.5, 0.01])
    assert statistics.capture(returns, market) == pytest.approx((0.03 / 0.03, 0.0 / -0.02))
    assert statistics.capture(market, market) == pytest.approx((1.0, 1.0))
    up, down = statistics.capture(returns[:1], market[:1])
    assert up == pytest.approx(0.5)
    assert math.isnan(down)


@pytest.mark.full
@pytest.mark.parametrize("n, ar", [(126, 0.0), (126, 0.4), (504, 0.0), (504, 0.4)])
def test_sizes_and_coverage_are_those_of_the_documentation(n, ar):
    draws = 1500
    found = [statistics.factor_model(*drawn(n, seed, ar)) for seed in range(draws)]
    size = np.mean([one.p_above < 0.05 for one in found])
    held = np.mean([[b.low <= t <= b.high for b, t in zip(one.betas, BETAS, strict=True)] for one in found])
    assert 0.035 < size < 0.075
    assert 0.87 < held < 0.92
