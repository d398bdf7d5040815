"""The error and the selection of Sharpe ratios, against published figures; each case names its source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate import statistics

# Bailey and Lopez de Prado (2012), The Sharpe Ratio Efficient Frontier, J. of Risk 15(2); per bar.
PSR = {
    "paper, normal moments": (0.458, 24, 0.0, 3.0, 0.982, 5e-4),
    "R PerformanceAnalytics @c079aea, normal moments": (0.458, 24, 0.0, 3.0, 0.9816749190910771, 1e-12),
    "paper, its own moments: below 95 %": (0.458, 24, -2.448, 10.164, 0.913, 5e-4),
    "R PerformanceAnalytics, kurtosis set to 3": (0.458, 24, -2.448, 3.0, 0.9295136165441756, 1e-12),
}


@pytest.mark.parametrize("per_bar, n, skew, kurtosis, expected, tolerance", PSR.values(), ids=PSR)
def test_probabilistic_sharpe_ratio(per_bar, n, skew, kurtosis, expected, tolerance):
    assert statistics.probabilistic_sharpe(per_bar, n, skew, kurtosis) == pytest.approx(expected, abs=tolerance)


# 24 monthly returns on which libraries differ.
MONTHS = np.array([
    0.006, 0.0258333, 0.00088918, -0.01251629, 0.01588227, 0.02196974, -0.00799749, -0.00636274, 0.02318324,
    0.01393481, -0.01322795, 0.00302002, 0.02599586, -0.05617273, -0.01343597, 0.01318117, 0.02358546, -0.00571275,
    -0.00856722, 0.02146656, 0.01658165, -0.01219333, 0.00010657, 0.02571201,
])  # fmt: skip


def test_a_series_has_deviation_with_ddof_1_and_biased_moments():
    # skfolio 1.12.2, vectorbt 1.2.0; purgedcv 0.1.11 (ddof 0, unbiased) and quantstats 0.0.86 (unbiased) differ.
    assert statistics.psr(MONTHS) == pytest.approx(0.8210096323514385, abs=1e-9)
    assert statistics.psr(MONTHS) != pytest.approx(0.82300896511785, abs=1e-4)
    assert statistics.psr(MONTHS) != pytest.approx(0.8186312210696451, abs=1e-4)


def test_the_moments_are_those_of_scipy():
    from scipy import stats

    found = statistics.moments(MONTHS)
    assert (found.n, found.per_bar) == (24, statistics.sharpe(MONTHS, 1))
    assert found.skew == pytest.approx(stats.skew(MONTHS), rel=1e-12)
    assert found.kurtosis == pytest.approx(stats.kurtosis(MONTHS, fisher=False), rel=1e-12)


@pytest.mark.parametrize("returns", [[], [0.01], [0.0] * 9, [0.01, math.nan]],
                         ids=["none", "one", "never traded", "unknown"])  # fmt: skip
def test_without_a_sharpe_ratio_there_is_no_probability(returns):
    assert math.isnan(statistics.psr(np.array(returns)))
    assert math.isnan(statistics.moments(np.array(returns)).skew)


def test_lo_standard_error_of_independent_returns():
    # Lo (2002) eq. 9: sqrt((1 + SR^2 / 2) / T) = 0.306 for SR = 0.5 and T = 12; here with T - 1.
    assert statistics.sharpe_standard_error(0.5, 13) == pytest.approx(0.306, abs=5e-4)
    assert math.isnan(statistics.sharpe_standard_error(0.5, 1))


# pypbo @ddbc631, tests/test_pbo.py::test_minTRL, and figure 8 of the 2012 paper (2.73 and 2.83 years).
TRACKS = {
    "hedge fund index 1, monthly": (0.7079, 0.0, -0.225, 2.957, 12, 0.7152, 5e-5),
    "2 against 1, daily": (2 / math.sqrt(250), 1 / math.sqrt(250), 0.0, 3.0, 250, 2.731187801728176, 1e-9),
    "2 against 1, weekly": (2 / math.sqrt(52), 1 / math.sqrt(52), 0.0, 3.0, 52, 2.828833586945237, 1e-9),
}


@pytest.mark.parametrize("per_bar, benchmark, skew, kurtosis, per_year, years, tolerance", TRACKS.values(), ids=TRACKS)
def test_minimum_track_record(per_bar, benchmark, skew, kurtosis, per_year, years, tolerance):
    bars = statistics.min_track_record(per_bar, skew, kurtosis, benchmark)
    assert bars / per_year == pytest.approx(years, abs=tolerance)


@given(st.floats(0.01, 0.5), st.floats(-2, 2), st.floats(0, 8), st.sampled_from([0.9, 0.95, 0.99]))
def test_the_minimum_track_record_is_the_probability_said_otherwise(per_bar, skew, excess, confidence):
    kurtosis = 1 + skew**2 + excess
    bars = statistics.min_track_record(per_bar, skew, kurtosis, 0.0, confidence)
    if bars < 1.001:
        return
    n = math.ceil(bars)
    assert statistics.probabilistic_sharpe(per_bar, n + 1, skew, kurtosis) >= confidence - 1e-9
    if n > 2:
        assert statistics.probabilistic_sharpe(per_bar, n - 1, skew, kurtosis) < confidence + 1e-9


def test_what_is_not_above_the_benchmark_is_never_shown_to_be():
    assert math.isnan(statistics.min_track_record(0.1, benchmark=0.1))
    assert math.isnan(statistics.min_track_record(math.nan))


# --- many trials


def test_the_expected_maximum_of_normal_numbers():
    assert statistics.expected_max(100) == pytest.approx(2.5306028932016846, abs=1e-10)  # pypbo test_expected_max
    # Closed forms 1 / sqrt(pi) and 1.5 / sqrt(pi); Tippett (1925) for 10 and 100.
    for n, exact in ((1, 0.0), (2, 0.5641895835477563), (3, 0.8462843753216345), (10, 1.53875), (100, 2.50759)):
        assert statistics.expected_max_exact(n) == pytest.approx(exact, abs=1e-5 if n > 3 else 1e-9)
    assert statistics.expected_max(2) / statistics.expected_max_exact(2) == pytest.approx(1 - 0.079, abs=1e-3)


def test_one_trial_is_no_choice_and_less_is_none():
    assert statistics.expected_max(1) == 0
    assert math.isnan(statistics.expected_max(0.5))
    assert math.isnan(statistics.expected_max(math.nan))
    assert math.isnan(statistics.expected_max_exact(0))


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_trials_have_a_higher_maximum(a, b):
    low, high = sorted((a, b))
    assert 0 <= statistics.expected_max(low) <= statistics.expected_max(high) + 1e-12


# Bailey and Lopez de Prado (2014), The Deflated Sharpe Ratio, JPM 40(5), numerical example; SR 2.5 per year of 250.
PAPER = (2.5 / math.sqrt(250), 1250, -3.0, 10.0, 100, 0.002)


def test_deflated_sharpe_ratio_of_the_paper():
    assert math.sqrt(0.002) * statistics.expected_max(100) == pytest.approx(0.1132, abs=5e-5)
    found = statistics.deflated_sharpe(*PAPER)
    assert found == pytest.approx(0.9004, abs=5e-5)
    assert found == pytest.approx(0.9003968344493903, abs=1e-10)  # pypbo tests/test_pbo.py::test_dsr


def test_excess_in_place_of_raw_kurtosis_shows():
    # What vectorbt up to 1.1.0 gave: only the third decimal differs.
    per_bar, n, skew, kurtosis, trials, variance = PAPER
    wrong = statistics.deflated_sharpe(per_bar, n, skew, kurtosis - 3, trials, variance)
    assert wrong == pytest.approx(0.9017785664393667, abs=1e-9)
    assert statistics.deflated_sharpe(*PAPER) != pytest.approx(wrong, abs=1e-3)


def test_one_trial_is_deflated_by_nothing():
    # vectorbt 1.2.0 gives 1.0.
    per_bar, n, skew, kurtosis, _, variance = PAPER
    found = statistics.deflated_sharpe(per_bar, n, skew, kurtosis, 1, variance)
    assert found == statistics.probabilistic_sharpe(per_bar, n, skew, kurtosis)


def test_a_deflated_sharpe_ratio_of_nothing_is_undefined():
    assert math.isnan(statistics.deflated_sharpe(math.nan, 100, 0, 3, 10, 0.01))
    assert math.isnan(statistics.deflated_sharpe(0.1, 100, 0, 3, 0, 0.01))
    assert math.isnan(statistics.deflated_sharpe(0.1, 100, 0, 3, 10, -0.01))


def test_minimum_backtest_length():
    # Bailey et al. (2014), Pseudo-Mathematics: no more than 45 trials on five years; pypbo test_minBTL.
    assert statistics.min_backtest_length(45, 1.0) == pytest.approx(4.998087004443404, abs=1e-9)
    assert statistics.min_backtest_length(45, 2.0) == pytest.approx(4.998087004443404 / 4, abs=1e-9)
    assert math.isnan(statistics.min_backtest_length(45, 0.0))
