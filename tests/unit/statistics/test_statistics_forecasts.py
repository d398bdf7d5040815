"""Figures of forecasts against scikit-learn, scipy and hand values, and where they are undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn

from quorate import statistics

NONE = np.empty(0)
LABELS, MODEL = np.array([0.02, 0.01, 0.04, -0.01]), np.array([0.01, -0.01, 0.02, 0.01])
PAIRS = st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=2, max_size=40)


def split(pairs):
    y, p = np.array(pairs, dtype=float).T
    return y, p


# --- classes and directions


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_figures_of_directions_are_those_of_scikit_learn(pairs):
    actual, forecast = (np.array(x) for x in zip(*pairs, strict=True))
    assert statistics.accuracy(actual, forecast) == pytest.approx(sklearn.accuracy_score(actual, forecast))
    # Without a rise forecast, or a rise, or either class, scikit-learn gives 0 and warns.
    cases = [
        (statistics.precision, sklearn.precision_score, forecast.any()),
        (statistics.recall, sklearn.recall_score, actual.any()),
        (statistics.mcc, sklearn.matthews_corrcoef, np.ptp(actual.astype(int)) and np.ptp(forecast.astype(int))),
    ]
    for ours, theirs, defined in cases:
        if defined:
            assert ours(actual, forecast) == pytest.approx(theirs(actual, forecast), abs=1e-12)
        else:
            assert math.isnan(ours(actual, forecast))


@pytest.mark.parametrize("function", ["accuracy", "precision", "recall", "mcc"])
def test_directions_of_no_forecast_are_undefined(function):
    assert math.isnan(getattr(statistics, function)(NONE.astype(bool), NONE.astype(bool)))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10)), min_size=2, max_size=40))
def test_figures_of_probabilities_are_those_of_scikit_learn(pairs):
    y = np.array([float(label) for label, _ in pairs])
    p = np.array([i / 10 for _, i in pairs])
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    assert statistics.log_loss(y, p) == pytest.approx(sklearn.log_loss(y, clipped, labels=[0, 1]), rel=1e-9, abs=1e-12)
    assert statistics.brier(y, p) == pytest.approx(np.mean((y - p) ** 2), abs=1e-12)
    if np.ptp(y):
        assert statistics.auc(y, p) == pytest.approx(sklearn.roc_auc_score(y, p), abs=1e-12)
    else:
        assert math.isnan(statistics.auc(y, p))


# --- values


@given(PAIRS)
def test_errors_are_those_of_scikit_learn(pairs):
    y, p = split(pairs)
    assert statistics.mse(y, p) == pytest.approx(sklearn.mean_squared_error(y, p), abs=1e-12)
    assert statistics.rmse(y, p) == pytest.approx(sklearn.root_mean_squared_error(y, p), abs=1e-12)
    assert statistics.mae(y, p) == pytest.approx(sklearn.mean_absolute_error(y, p), abs=1e-12)
    if np.ptp(y):
        assert statistics.r2(y, p) == pytest.approx(sklearn.r2_score(y, p), abs=1e-9)
    else:
        assert math.isnan(statistics.r2(y, p))


@given(PAIRS, st.floats(0.01, 100))
def test_scaled_errors_have_no_unit_and_their_bounds(pairs, scale):
    y, p = split(pairs)
    assert 0 <= statistics.smape(y, p) <= 2
    assert statistics.smape(y * scale, p * scale) == pytest.approx(statistics.smape(y, p), abs=1e-9)
    if (y == 0).all():
        assert math.isnan(statistics.wmape(y, p))
    else:
        assert statistics.wmape(y * scale, p * scale) == pytest.approx(statistics.wmape(y, p), rel=1e-9)
        assert statistics.wmape(y, np.zeros(len(y))) == pytest.approx(1)
        assert statistics.mase(y, p, y) == pytest.approx(statistics.wmape(y, p), rel=1e-12)


def test_percentage_errors_by_hand():
    assert statistics.wmape(LABELS, MODEL) == pytest.approx(7 / 8, rel=1e-12)
    assert statistics.smape(LABELS, MODEL) == pytest.approx((2 / 3 + 2 + 2 / 3 + 2) / 4, rel=1e-12)
    assert statistics.mape(np.array([100.0, 200.0]), np.array([110.0, 190.0])) == pytest.approx(0.075, rel=1e-12)
    assert statistics.mape(np.array([-100.0, -200.0]), np.array([-110.0, -190.0])) == pytest.approx(0.075, rel=1e-12)
    assert statistics.smape(np.zeros(2), np.array([0.0, 0.1])) == 1


@pytest.mark.parametrize(
    "labels",
    [LABELS, np.array([0.0, 0.1, 0.2, 0.3]), np.array([1e-9, 0.1, 0.2, 0.3]), np.zeros(4)],
    ids=["of both signs", "one is zero", "one is next to zero", "all are zero"],
)
def test_a_percentage_of_a_label_near_zero_is_undefined_and_not_enormous(labels):
    assert math.isnan(statistics.mape(labels, MODEL))


def test_a_naive_forecast_without_error_has_no_scale():
    assert math.isnan(statistics.mase(LABELS, MODEL, np.zeros(4)))
    assert math.isnan(statistics.mase(LABELS, MODEL, NONE))


@given(PAIRS)
def test_zero_is_a_direction_of_its_own(pairs):
    y, p = split(pairs)
    assert statistics.direction_accuracy(y, p) == pytest.approx(sklearn.accuracy_score(np.sign(y), np.sign(p)))


VALUES = ["mse", "rmse", "mae", "wmape", "smape", "mape", "r2", "direction_accuracy", "spearman",
          "log_loss", "brier", "auc"]  # fmt: skip


@pytest.mark.parametrize("function", VALUES)
def test_figures_of_no_forecast_are_undefined(function):
    assert math.isnan(getattr(statistics, function)(NONE, NONE))


@pytest.mark.parametrize("function", VALUES)
def test_figures_of_an_unknown_forecast_are_undefined(function):
    labels, predictions = np.array([0.0, 1.0, 1.0]), np.array([0.1, math.nan, 0.7])
    assert math.isnan(getattr(statistics, function)(labels, predictions))


# --- ranks


@given(PAIRS)
def test_the_rank_correlation_is_that_of_scipy(pairs):
    y, p = split(pairs)
    if np.ptp(y) and np.ptp(p):
        assert statistics.spearman(y, p) == pytest.approx(stats.spearmanr(y, p).statistic, abs=1e-9)
    else:
        assert math.isnan(statistics.spearman(y, p))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=60))
def test_coefficients_across_symbols_are_those_of_each_bar_alone(rows):
    bar, y, p = (np.array(x) for x in zip(*rows, strict=True))
    expected = []
    for b in np.unique(bar):
        here = bar == b
        if here.sum() >= 3 and np.ptp(y[here]) and np.ptp(p[here]):
            expected.append(stats.spearmanr(y[here], p[here]).statistic)
    found = statistics.information_coefficients(y.astype(float), p.astype(float), bar)
    assert found == pytest.approx(np.array(expected), abs=1e-9)


def test_the_information_coefficient_is_per_bar_and_its_ratio_not_annualised():
    bar = np.repeat([0, 1, 2], 3)
    p = np.array([1, 2, 3, 1, 3, 2, 3, 2, 1], dtype=float)
    y = np.array([1, 2, 3, 10, 20, 30, 0.1, 0.2, 0.3])
    assert statistics.information_coefficients(y, p, bar) == pytest.approx([1, 0.5, -1])
    assert statistics.ic(y, p, bar) == pytest.approx(1 / 6)
    assert statistics.icir(y, p, bar) == pytest.approx((1 / 6) / np.std([1, 0.5, -1], ddof=1))


@pytest.mark.parametrize("bar", [np.arange(4), np.array([0, 0, 1, 1]), NONE.astype(int)],
                         ids=["one symbol", "two symbols", "not known"])  # fmt: skip
def test_without_a_cross_section_it_is_the_rank_correlation_over_the_span(bar):
    assert statistics.ic(LABELS, MODEL, bar) == statistics.spearman(LABELS, MODEL)
    assert math.isnan(statistics.icir(LABELS, MODEL, bar))
