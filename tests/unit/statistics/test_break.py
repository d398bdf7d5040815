"""The test of a break: by hand, as often wrong as it says, and how often it finds one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from quorate import statistics
from support.series import KINDS

DRAWS = 1200


def wrong(series):
    """Return how often a break is found at 5 %, and with the plain bridge."""
    found = [statistics.break_test(one) for one in series]
    plain = np.mean([special.kolmogorov(one.statistic) < 0.05 for one in found])
    return float(np.mean([one.p_value < 0.05 for one in found])), float(plain)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [504, 1260])
def test_a_break_is_found_where_there_is_none_as_often_as_it_says(kind, n):
    size, plain = wrong(KINDS[kind](np.random.default_rng(n), DRAWS, n))
    assert 0.03 < size < 0.07
    assert plain < size


def test_a_break_is_found_the_more_often_the_larger_it_is():
    rng, n = np.random.default_rng(1), 504
    halves = np.where(np.arange(n) < n // 2, 0.5, -0.5)
    power = [
        np.mean([statistics.break_test(rng.normal(size=n) + size * halves).p_value < 0.05 for _ in range(300)])
        for size in (0.0, 0.25, 0.5, 5.0)
    ]
    assert power == sorted(power)
    assert power[1] > 0.5
    assert power[2:] == [1.0, 1.0]  # the break is in the deviation as well, and yet does not hide in it


def test_the_statistic_is_the_largest_distance_of_the_sum_from_its_share():
    values = np.random.default_rng(2).normal(size=400)
    values[250:] += 0.6
    found = statistics.break_test(values)
    waves = np.cos(np.pi * np.arange(1, 23)[:, None] * (np.arange(400) + 0.5) / 400)
    deviation = math.sqrt(float(np.mean((waves @ values * math.sqrt(2 / 400)) ** 2)))
    sums = [abs(values[:k].sum() - k * values.mean()) for k in range(1, 400)]
    assert round(0.4 * 400 ** (2 / 3)) == 22
    assert found.statistic == pytest.approx(max(sums) / (deviation * 20))
    assert found.where == int(np.argmax(sums)) + 1
    assert abs(found.where - 250) < 30
    assert (found.before, found.after) == pytest.approx((values[: found.where].mean(), values[found.where :].mean()))
    assert found.n == 400
    # Of many values it is that of the bridge: the corrections go.
    many = statistics.break_test(np.random.default_rng(3).normal(size=200_000))
    assert many.p_value == pytest.approx(special.kolmogorov(many.statistic), rel=0.03)


def test_of_too_few_values_and_of_such_that_do_not_vary_nothing_is_known():
    few = statistics.break_test(np.random.default_rng(4).normal(size=99))
    assert math.isnan(few.p_value)
    assert few.where is None
    assert math.isnan(statistics.break_test(np.ones(500)).p_value)
    assert math.isnan(statistics.break_test([*np.ones(300), math.nan]).statistic)
    assert math.isnan(statistics.break_test(np.random.default_rng(5).normal(size=120), 31).p_value)
