"""All looks at a holdout together are wrong with the level of one."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from quorate import statistics


def test_the_levels_of_all_looks_add_up_to_the_whole():
    levels = [statistics.look_level(look, 0.05) for look in range(1, 2001)]
    assert levels[:3] == pytest.approx([0.04, 0.005, 0.01 / 6])
    assert sum(levels) == pytest.approx(0.05, abs=1e-5)
    assert sum(levels) < 0.05
    assert all(a > b for a, b in pairwise(levels))


@pytest.mark.parametrize("shared", [pytest.param(0.0, marks=pytest.mark.full), 0.6])
def test_ten_looks_without_skill_promote_as_seldom_as_one(shared):
    rng, homes, looks = np.random.default_rng(1), 1000, 10
    passed, plain = 0, 0
    for _ in range(homes):
        market = rng.normal(0, 0.01, (252, 1))
        series = math.sqrt(shared) * market + math.sqrt(1 - shared) * rng.normal(0, 0.01, (252, looks))
        p = [statistics.sharpe_test(one).p_value for one in series.T]
        passed += any(value <= statistics.look_level(k) for k, value in enumerate(p, 1))
        plain += min(p) <= 0.05
    assert passed / homes <= 0.065
    assert plain / homes > 0.15
