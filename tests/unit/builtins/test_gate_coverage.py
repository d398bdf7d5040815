"""The gate on coverage: how often it rejects intervals that are right, and that it finds those that are not."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from quorate import statistics
from quorate_plugins.gates.forecasts import coverage
from support.series import KINDS

LEVELS = (0.05, 0.95)


def performance(y, quantiles, levels=LEVELS):
    rows = np.tile(quantiles, (len(y), 1))
    return SimpleNamespace(levels=np.array(levels), quantiles=rows, labels=y, forecast_bar=np.arange(len(y)))


def evidence(y, quantiles, horizon=1, levels=LEVELS, **members):
    return SimpleNamespace(performance=performance(y, quantiles, levels), members=members, horizon=horizon)


def labels(rng, n, horizon=1):
    """Return labels of `horizon` bars, which overlap, with deviation one."""
    return np.convolve(rng.normal(size=n + horizon - 1), np.ones(horizon), "valid") / math.sqrt(horizon)


def true(levels=LEVELS, factor=1.0):
    return factor * stats.norm.ppf(levels)


@pytest.mark.parametrize(("factor", "words"), [(0.8, "too narrow: 90.0% held "), (1.3, "too wide: 90.0% held ")])
def test_intervals_that_are_wrong_fail_and_say_how(factor, words):
    y = labels(np.random.default_rng(3), 1000)
    assert coverage(evidence(y, true())).verdict == "PASS"
    result = coverage(evidence(y, true(factor=factor)))
    assert result.verdict == "FAIL"
    assert result.reason.startswith(words)
    assert result.uncertainty.startswith("90.0% held ")


def test_it_passes_just_where_the_interval_of_what_was_held_has_what_should_be():
    rng, seen = np.random.default_rng(1), set()
    for factor in np.linspace(0.8, 1.2, 40):
        result = coverage(evidence(labels(rng, 800, 5), true(factor=factor), 5), precision=0.2)
        [one] = result.inputs["intervals"]
        assert (result.verdict == "PASS") == (one["low"] <= 0.9 <= one["high"])
        seen.add(result.verdict)
    assert seen == {"PASS", "FAIL"}


def test_misses_that_come_together_raise_no_alarm():
    """Thirteen of a hundred are missed in place of ten, five bars in a row each time: that may be chance."""
    y = np.zeros(1000)
    for first in 5 * np.random.default_rng(1).choice(200, 26, replace=False):
        y[first : first + 5] = 9.0
    assert coverage(evidence(y, true()), precision=0.5).verdict == "PASS"
    alone = np.random.default_rng(0).permutation(y)
    assert coverage(evidence(alone, true()), precision=0.5).verdict == "FAIL"


def test_of_several_intervals_the_worst_counts_and_their_number():
    y, levels = labels(np.random.default_rng(5), 1000), (0.05, 0.25, 0.75, 0.95)
    quantiles = true(levels) * [1.0, 0.8, 0.8, 1.0]
    result = coverage(evidence(y, quantiles, levels=levels))
    wide, narrow = result.inputs["intervals"]
    assert (wide["nominal"], narrow["nominal"]) == pytest.approx((0.9, 0.5))
    assert result.value == pytest.approx(2 * narrow["p_value"])
    assert "50.0% held" in result.reason


def test_too_few_bars_decide_nothing_however_they_look():
    y = labels(np.random.default_rng(2), 60)
    for factor in (0.5, 1.0):
        result = coverage(evidence(y, true(factor=factor)))
        assert result.verdict == "INSUFFICIENT"
        assert "5.0% is asked for" in result.reason
    assert coverage(evidence(y, true()), precision=0.1).verdict == "PASS"


def test_rows_before_there_were_intervals_do_not_count():
    y = labels(np.random.default_rng(3), 1100)
    known = evidence(y, true())
    known.performance.quantiles[:100] = np.nan
    y[:100] = 99.0
    assert coverage(known).verdict == "PASS"
    assert coverage(known).sample.startswith("1000 bars worth ")


def test_without_an_interval_nothing_is_judged_and_the_remedy_is_told():
    y = labels(np.random.default_rng(3), 500)
    bare = evidence(y, (), levels=(), gru=performance(y, true()), ridge=performance(y, (), ()))
    result = coverage(bare)
    assert (result.verdict, result.value) == ("INSUFFICIENT", None)
    assert "set ensemble.interval, or coverage.member (the members that do: gru)" in result.reason
    assert coverage(bare, member="gru").verdict == "PASS"
    assert "'ridge' forecasts no interval; the members that do: gru" in coverage(bare, member="ridge").reason
    lopsided = evidence(y, true((0.05, 0.5)), levels=(0.05, 0.5))
    assert coverage(lopsided).verdict == "INSUFFICIENT"


def failed(bars, horizon, draws, factor=1.0):
    rng = np.random.default_rng(11)
    results = [coverage(evidence(labels(rng, bars, horizon), true(factor=factor), horizon)) for _ in range(draws)]
    return sum(result.verdict == "FAIL" for result in results) / draws


def test_true_intervals_seldom_fail():
    assert failed(600, 1, 300) < 0.06


def test_misses_that_come_in_restless_months_are_allowed_for():
    series = KINDS["clustered"](np.random.default_rng(5), 250, 800)
    ends = np.quantile(series, LEVELS)
    found = [coverage(evidence(y, ends), precision=0.5).value for y in series[:, :504]]
    published = []
    for y in series[:, :504]:
        covered = statistics.coverage_interval(y, np.full(504, ends[0]), np.full(504, ends[1]))
        published.append(covered.p_value(0.9))
    assert np.mean(np.array(found) < 0.05) < 0.2 < np.mean(np.array(published) < 0.05)


@pytest.mark.full
@pytest.mark.parametrize(
    ("bars", "horizon", "size"),
    [(250, 1, 0.02), (1000, 1, 0.035), (1000, 5, 0.045), (4000, 1, 0.045), (4000, 5, 0.055), (4000, 20, 0.055)],
)
def test_its_size_is_what_the_documentation_says(bars, horizon, size):
    assert failed(bars, horizon, 1000) == pytest.approx(size, abs=0.02)


@pytest.mark.full
@pytest.mark.parametrize(("bars", "horizon", "least"), [(1000, 1, 0.97), (1000, 5, 0.9), (4000, 20, 0.95)])
def test_intervals_a_seventh_too_narrow_are_found(bars, horizon, least):
    assert failed(bars, horizon, 400, factor=0.85) >= least
