"""Series of returns as one, against NumPy, closed forms, and what each is defined by."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quorate.statistics._joint import (
    correlations,
    covariance,
    diversification_ratio,
    inverse_volatility,
    risk_contributions,
    risk_parity,
)


def returns(n: int, k: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_t(5, (n, k)) @ rng.standard_normal((k, k)) * 0.01


def test_covariance_and_correlation_are_those_of_numpy() -> None:
    found = returns(300, 4)
    assert covariance(found) == pytest.approx(np.cov(found.T), rel=1e-12)
    assert correlations(found, 1, draws=20).found == pytest.approx(np.corrcoef(found.T), rel=1e-12)


def test_shares_of_equal_risk_of_two_are_one_over_their_deviations() -> None:
    found = covariance(returns(200, 2))
    assert risk_parity(found) == pytest.approx(inverse_volatility(found), rel=1e-8)


def test_shares_of_equal_risk_as_in_the_literature() -> None:
    """Maillard, Roncalli and Teiletche (2010), example 3.1: equal correlations ask for one over the deviations."""
    deviation = np.array([0.1, 0.2, 0.3, 0.4])
    constant = np.full((4, 4), 0.5)
    np.fill_diagonal(constant, 1.0)
    shares = risk_parity(constant * deviation * deviation[:, None])
    assert shares == pytest.approx(np.array([12, 6, 4, 3]) / 25, rel=1e-8)


@settings(max_examples=25)
@example(10, 5)  # nearly cancel each other
@given(seed=st.integers(0, 500), k=st.integers(1, 6))
def test_each_of_them_is_an_equal_part_of_the_risk_and_all_are_long(seed: int, k: int) -> None:
    found = covariance(returns(120, k, seed))
    shares = risk_parity(found)
    assert (shares > 0).all()
    assert shares.sum() == pytest.approx(1)
    assert risk_contributions(shares, found) == pytest.approx(np.full(k, 1 / k), abs=1e-8)


def test_series_that_cancel_each_other_have_none() -> None:
    one = returns(100, 1)
    found = covariance(np.column_stack([one, -one]))
    assert np.isnan(risk_parity(found)).all()
    assert np.isnan(risk_contributions(np.array([0.5, 0.5]), found)).all()
    assert math.isnan(diversification_ratio(np.array([0.5, 0.5]), found))


@settings(max_examples=25)
@given(seed=st.integers(0, 200), k=st.integers(1, 5))
def test_contributions_are_derivatives_of_the_deviation(seed: int, k: int) -> None:
    found, shares = covariance(returns(80, k, seed)), np.random.default_rng(seed).uniform(0.1, 1, k)

    def deviation(at: np.ndarray) -> float:
        return math.sqrt(at @ found @ at)

    step = 1e-6
    slopes = [(deviation(shares + step * one) - deviation(shares - step * one)) / (2 * step) for one in np.eye(k)]
    assert risk_contributions(shares, found) == pytest.approx(shares * slopes / deviation(shares), rel=1e-4, abs=1e-6)


def test_the_diversification_ratio_of_independent_equals_is_the_root_of_their_number() -> None:
    assert diversification_ratio(np.full(4, 0.25), np.eye(4) * 0.01) == pytest.approx(2)
    assert diversification_ratio(np.full(2, 0.5), np.ones((2, 2)) * 0.01) == pytest.approx(1)


def test_a_series_and_its_copy_correlate_by_one_in_every_draw() -> None:
    one = returns(60, 1)
    found = correlations(np.column_stack([one, one]), 3, draws=50)
    for matrix in (found.found, found.low, found.high):
        assert matrix == pytest.approx(np.ones((2, 2)), abs=1e-12)


def test_what_does_not_vary_or_is_too_short_has_no_correlation() -> None:
    some = np.column_stack([returns(60, 1), np.zeros(60)])
    assert np.isnan(correlations(some, 1, draws=20).found[0, 1])
    assert np.isnan(correlations(returns(19, 2), 1, draws=20).found).all()


def test_the_interval_finds_a_planted_correlation_and_not_one_of_none() -> None:
    rng = np.random.default_rng(5)
    noise = rng.standard_normal((500, 3))
    noise[:, 2] = 0.4 * noise[:, 0] + math.sqrt(1 - 0.16) * noise[:, 2]
    found = correlations(noise, 1)
    assert found.low[0, 1] < 0 < found.high[0, 1]
    assert 0.2 < found.low[0, 2] < 0.4 < found.high[0, 2] < 0.6
