"""Evidence of a shift: valid at every look, and there where something has moved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.statistics._shift import Before, before_of, shift_evidence
from support.series import KINDS

LESS = tuple(-np.array([1.0, 2.0, 4.0]) / math.sqrt(252))


def _highest(before: np.ndarray, values: np.ndarray, lost: float = 0.0) -> float:
    return float(shift_evidence(values - lost, before_of(before), LESS).max())


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_on_as_it_was_is_seldom_accused_however_often_one_looks(kind: str) -> None:
    series = KINDS[kind](np.random.default_rng(7), 400, 1000)
    false = np.mean([_highest(one[:500], one[500:]) > 20 for one in series])
    assert false <= 0.05


def test_an_edge_that_is_lost_is_found_and_never_more_than_the_past_allows() -> None:
    series = KINDS["independent"](np.random.default_rng(8), 200, 1750)
    lost = 6 / math.sqrt(252)
    assert np.mean([_highest(one[:1250], one[1250:], lost) > 20 for one in series]) > 0.95
    few = before_of(series[0][:60])
    ever = shift_evidence(np.full(100_000, few.mean - few.deviation), few, [-0.5])
    # What 60 values tell of a mean is all that can be refuted, by however many later ones.
    assert ever[-1] == pytest.approx(ever[-50_000], rel=0.1)


def test_evidence_is_the_ratio_of_likelihoods_of_what_does_not_depend_on_the_mean() -> None:
    rng = np.random.default_rng(3)
    n, shift = 40, -0.5
    earlier, apart = rng.normal(size=n), 0.5 * rng.normal(size=7) - 0.2
    inverse = np.linalg.inv(np.eye(7) + 1 / n)  # later values less an estimated mean
    moved = np.full(7, shift)
    ratio = math.exp(float(moved @ inverse @ apart - moved @ inverse @ moved / 2))
    known = Before(n, float(earlier.mean()), 1.0, 1.0)
    assert shift_evidence(apart + known.mean, known, [shift])[-1] == pytest.approx(ratio)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(1e-3, 1e3),
    place=st.floats(-5.0, 5.0),
    n=st.integers(60, 200),
    later=st.integers(1, 60),
)
def test_units_and_level_do_not_matter_and_it_is_never_negative(
    seed: int, scale: float, place: float, n: int, later: int
) -> None:
    rng = np.random.default_rng(seed)
    before, values = rng.normal(size=n), rng.normal(size=later)
    found = shift_evidence(values, before_of(before), LESS)
    other = shift_evidence(scale * values + place, before_of(scale * before + place), LESS)
    assert (found >= 0).all()
    assert len(found) == later
    np.testing.assert_allclose(found, other, rtol=1e-6)
    np.testing.assert_array_equal(found[:1], shift_evidence(values[:1], before_of(before), LESS))


def test_what_does_not_vary_tells_nothing() -> None:
    assert before_of(np.zeros(300)).independent == 0
    assert before_of(np.array([])).independent == 0
    slow = KINDS["independent"](np.random.default_rng(1), 1, 1000)[0].cumsum()
    assert before_of(slow).independent < 50
