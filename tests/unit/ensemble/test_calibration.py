"""Calibration of members: right where an answer is known, causal, and harmless where there is little to learn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.ensemble.calibration import LEAST_ROWS, fit_calibration

METHODS = ["isotonic", "platt", "z-score"]


def known(n=400, binary=True, seed=0):
    """Return predictions of two members, the first of them too sure of itself, and labels."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1, n)
    p = 1 / (1 + np.exp(-odds))
    if binary:
        return np.column_stack([1 / (1 + np.exp(-3 * odds)), p]), (rng.random(n) < p).astype(float)
    labels = 0.01 * odds + rng.normal(0, 0.01, n)
    return np.column_stack([0.2 * odds, 0.01 * odds]), labels


@pytest.mark.parametrize("method", ["none", *METHODS])
def test_with_few_rows_or_one_class_predictions_stay_as_they_are(method):
    p, y = known(LEAST_ROWS)
    few = fit_calibration(method, p[:-1], y[:-1], True)
    assert few(p) is p
    assert fit_calibration(method, p, np.ones(LEAST_ROWS), True)(p) is p
    assert (fit_calibration(method, p, y, True)(p) is p) == (method == "none")
    assert fit_calibration(method, np.empty((0, 2)), np.empty(0), True)(p) is p


@pytest.mark.parametrize("method", ["isotonic", "platt"])
def test_a_member_that_is_too_sure_gets_the_probabilities_that_are_true(method):
    p, y = known(20_000)
    mapped = fit_calibration(method, p, y, True)(p)
    np.testing.assert_allclose(mapped[:, 0], p[:, 1], atol=0.1 if method == "isotonic" else 0.02)
    np.testing.assert_allclose(mapped[:, 0].mean(), y.mean(), atol=1e-6)
    brier = [np.mean((q - y) ** 2) for q in (p[:, 0], mapped[:, 0])]
    assert brier[1] < brier[0]


def test_platt_is_the_logistic_regression_on_log_odds():
    from scipy.optimize import minimize

    p, y = known(300)
    odds, sign = np.log(p[:, 0] / (1 - p[:, 0])), 2 * y - 1
    a, b = minimize(lambda v: np.log1p(np.exp(-sign * (v[0] * odds + v[1]))).sum(), [0.0, 0.0], tol=1e-12).x
    found = fit_calibration("platt", p, y, True)(p)[:, 0]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-(a * odds + b))), atol=1e-5)


def test_for_numbers_platt_is_the_straight_line_of_least_squares():
    p, y = known(300, binary=False)
    found = fit_calibration("platt", p, y, False)(p)
    for j in range(2):
        slope, constant = np.polyfit(p[:, j], y, 1)
        np.testing.assert_allclose(found[:, j], constant + slope * p[:, j], rtol=1e-6, atol=1e-12)


def test_isotonic_never_decreases_and_ends_at_the_ends():
    p, y = known(300, binary=False)
    mapped = fit_calibration("isotonic", p, y, False)
    grid = np.linspace(-9, 9, 500)
    found = mapped(np.column_stack([grid, grid]))
    assert (np.diff(found, axis=0) >= 0).all()
    lowest, highest = p[:, 0].min(), p[:, 0].max()
    ends = mapped(np.array([[lowest, 0.0], [highest, 0.0]]))[:, 0]
    assert [found[0, 0], found[-1, 0]] == ends.tolist()


@pytest.mark.parametrize("binary", [True, False])
def test_z_scores_give_every_member_the_mean_and_deviation_of_all(binary):
    p, y = known(300, binary)
    p = 0.4 + 0.1 * p if binary else p  # far from 0 and 1, where it would be clipped
    found = fit_calibration("z-score", p, y, binary)(p)
    np.testing.assert_allclose(found.mean(axis=0), p.mean(axis=0).mean(), rtol=1e-9)
    np.testing.assert_allclose(found.std(axis=0), p.std(axis=0).mean(), rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("binary", [True, False])
@settings(max_examples=15, deadline=None, database=None, derandomize=True)
@given(data=st.data())
def test_a_mapped_row_is_finite_in_range_and_its_own(method, binary, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 50)))
    n = data.draw(st.integers(LEAST_ROWS, 150))
    y = (rng.random(n) < 0.5).astype(float) if binary else rng.normal(0, 0.01, n)
    kinds = {
        "noise": rng.random(n),
        "flat": np.full(n, 0.5),
        "right": y,
        "wrong": 1 - y,
        "tied": np.round(rng.random(n), 1),
    }
    chosen = data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=4))
    p = np.column_stack([kinds[kind] for kind in chosen])
    mapped = fit_calibration(method, p, y, binary)
    rows = np.vstack([p[:20], np.zeros((1, p.shape[1])), np.ones((1, p.shape[1]))])
    found = mapped(rows)
    assert found.shape == rows.shape
    assert np.isfinite(found).all()
    if binary:
        assert found.min() >= 0
        assert found.max() <= 1
    np.testing.assert_array_equal(mapped(rows[:7]), found[:7])
    order = rng.permutation(len(rows))
    np.testing.assert_array_equal(mapped(rows[order]), found[order])
