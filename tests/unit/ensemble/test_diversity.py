"""How alike members are, and the gain of an ensemble over the best of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.ensemble.diversity import correlations, diversity, ensemble_gain
from quorate.statistics import sharpe

RNG = np.random.default_rng(0)
BASE = RNG.normal(0, 1, 400)
OTHER = RNG.normal(0, 1, 400)
NEAR = BASE + 0.1 * RNG.normal(0, 1, 400)


def test_the_matrix_is_numpys_on_complete_rows():
    p = np.column_stack([BASE, OTHER, NEAR])
    np.testing.assert_allclose(correlations(p), np.corrcoef(p.T), rtol=1e-12)


def test_a_pair_is_compared_where_both_predict():
    p = np.column_stack([BASE, OTHER])
    p[:100, 0], p[300:, 1] = np.nan, np.nan
    expected = np.corrcoef(BASE[100:300], OTHER[100:300])[0, 1]
    np.testing.assert_allclose(correlations(p)[0, 1], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "p",
    [np.empty((0, 2)), np.ones((1, 2)), np.column_stack([np.full(400, 0.1), BASE]), np.full((9, 2), np.nan)],
    ids=["no row", "one row", "constant", "no prediction"],
)
def test_what_is_undefined_is_nan(p):
    assert math.isnan(correlations(p)[0, 1])
    found = diversity(("a", "b"), p)
    assert math.isnan(found["mean-correlation"])
    assert found["close-pairs"] == []


@settings(max_examples=30, deadline=None, database=None, derandomize=True)
@given(scale=st.floats(1e-6, 1e3), shift=st.floats(-10, 10), seed=st.integers(0, 20))
def test_correlation_is_symmetric_bounded_and_free_of_scale(scale, shift, seed):
    p = np.random.default_rng(seed).normal(0, 1, (60, 3))
    found = correlations(p)
    np.testing.assert_array_equal(found, found.T)
    assert np.abs(found).max() <= 1
    np.testing.assert_allclose(np.diag(found), 1)
    moved = p.copy()
    moved[:, 1] = shift + scale * p[:, 1]
    np.testing.assert_allclose(correlations(moved), found, atol=1e-7)


def test_close_pairs_and_duplicates_are_named():
    found = diversity(("a", "b", "c", "d"), np.column_stack([BASE, OTHER, NEAR, BASE]))
    assert found["duplicates"] == [["a", "d"]]
    assert [pair["members"] for pair in found["close-pairs"]] == [["a", "d"], ["a", "c"], ["c", "d"]]
    assert found["warnings"][0] == "members 'a' and 'd' predict the same on every row: keep one of them"
    assert found["warnings"][1].startswith("members 'a' and 'c' are nearly one: their predictions correlate 0.99")
    assert len(found["warnings"]) == 3
    above = np.array(found["correlation"])[np.triu_indices(4, 1)]
    assert found["mean-correlation"] == pytest.approx(above.mean())


def test_members_that_differ_give_no_warning():
    found = diversity(("a", "b"), np.column_stack([BASE, OTHER]))
    assert (found["warnings"], found["close-pairs"], found["duplicates"]) == ([], [], [])
    alone = diversity(("a",), BASE[:, None])
    assert math.isnan(alone["mean-correlation"])


def returns(seed, mean=0.0005, n=600):
    return np.random.default_rng(seed).normal(mean, 0.01, n)


def test_the_gain_is_the_difference_from_the_member_with_the_highest_sharpe_ratio():
    members = {"low": returns(1, -0.001), "high": returns(2, 0.001)}
    ensemble = 0.5 * (members["low"] + members["high"])
    found = ensemble_gain(ensemble, members, 252, draws=200, seed=3)
    assert found["best-member"] == "high"
    assert found["best-sharpe"] == sharpe(members["high"], 252)
    assert found["gain"] == sharpe(ensemble, 252) - sharpe(members["high"], 252)
    assert found["low"] < found["gain"] < found["high"]
    assert 0 <= found["share-above-zero"] <= 1
    assert "favours it" in found["note"]
    assert found == ensemble_gain(ensemble, members, 252, draws=200, seed=3)
    assert found["low"] != ensemble_gain(ensemble, members, 252, draws=200, seed=4)["low"]


def test_an_ensemble_that_is_its_best_member_gains_exactly_nothing():
    found = ensemble_gain(returns(1), {"a": returns(1)}, 252, draws=100)
    assert (found["gain"], found["low"], found["high"], found["share-above-zero"]) == (0, 0, 0, 0)


def test_the_interval_is_as_wide_as_theory_has_it_and_narrower_for_returns_that_go_together():
    """Of independent normal returns with small Sharpe ratios the difference has variance 2 / T per bar."""
    one, other = returns(5, 0.0, 1500), returns(6, 0.0, 1500)
    found = ensemble_gain(one, {"a": other}, 252, draws=1000)
    theory = 2 * 1.645 * math.sqrt(2 / 1500 * 252)
    assert found["high"] - found["low"] == pytest.approx(theory, rel=0.15)
    together = ensemble_gain(0.3 * one + 0.7 * other, {"a": other}, 252, draws=300)
    assert together["high"] - together["low"] < 0.6 * theory


@pytest.mark.parametrize(
    "ensemble, members",
    [
        (returns(1), {}),
        (returns(1), {"a": np.zeros(600)}),
        (np.zeros(600), {"a": returns(1)}),
        (np.empty(0), {"a": np.empty(0)}),
        (np.array([0.01]), {"a": np.array([0.02])}),
        (np.where(np.arange(600) == 3, np.nan, returns(1)), {"a": returns(2)}),
    ],
    ids=["no member", "member without trades", "ensemble without trades", "no bar", "one bar", "a return of NaN"],
)
def test_an_undefined_gain_is_nan(ensemble, members):
    found = ensemble_gain(ensemble, members, 252, draws=20)
    assert all(math.isnan(found[name]) for name in ("gain", "low", "high", "share-above-zero"))


def test_returns_of_other_bars_are_refused():
    with pytest.raises(ValueError, match=r"over member 'a' needs returns of the same bars: 600 .* has 599"):
        ensemble_gain(returns(1), {"a": returns(2)[1:]}, 252)
