"""Draws of the stationary bootstrap as arrays, against plain loops over the same draws and against arch."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate import statistics
from quorate.ensemble.diversity import ensemble_gain
from quorate.statistics import _resampling as resampling
from quorate.statistics._resampling import means, positions, remembered

SHAPES = {
    "n": st.integers(1, 60),
    "block": st.floats(1, 40),
    "draws": st.integers(1, 25),
    "seed": st.integers(0, 2**40),
}


def drawn(n, block, draws, seed):
    return np.concatenate(list(positions(n, block, draws, seed))) % n


def series(n, k, seed, scale=0.01):
    return np.random.default_rng(seed).standard_t(3, (n, k)) * scale


@given(**SHAPES, k=st.integers(1, 6), scale=st.sampled_from([1e-200, 1e-5, 1.0, 1e200]))
def test_means_are_those_of_the_bars_one_by_one(n, block, draws, seed, k, scale):
    values = series(n, k, 1, scale)
    expected = [[values[rows, j].mean() for j in range(k)] for rows in drawn(n, block, draws, seed)]
    assert means(values, block, draws, seed) == pytest.approx(np.array(expected), rel=1e-9, abs=1e-10 * scale)


@given(**SHAPES, k=st.integers(1, 6))
def test_means_are_exact_for_what_they_add_up(n, block, draws, seed, k):
    """Sixteenths are whole numbers of any unit: no order of adding them can be told from another."""
    values = np.random.default_rng(2).integers(-160, 160, (n, k)) / 16
    found = means(values, block, draws, seed)
    for row, rows in zip(found, drawn(n, block, draws, seed), strict=True):
        exact = [float(sum(map(Fraction, values[rows, j])) / n) for j in range(k)]
        assert row.tolist() == pytest.approx(exact, rel=1e-15)


@given(**SHAPES, held=st.sampled_from([1, 7, 64, 1000, 10**6]))
@settings(deadline=None)
def test_how_many_draws_are_held_at_once_changes_nothing(n, block, draws, seed, held):
    values = series(n, 3, 4)
    before, first = means(values, block, draws, seed), drawn(n, block, draws, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resampling, "HELD", held)
        assert (drawn(n, block, draws, seed) == first).all()
        assert means(values, block, draws, seed).tobytes() == before.tobytes()


@pytest.mark.parametrize("block", [1.0, 2.5, 8.0, 40.0])
def test_running_sums_and_counts_give_the_same_bits(block, monkeypatch):
    values = series(400, 5, 0)
    found = [means(values, block, 60, 3)]
    for share in (0, 10**9):  # of none, and of all
        monkeypatch.setattr(resampling, "SPARSE", share)
        found.append(means(values, block, 60, 3))
    assert len({one.tobytes() for one in found}) == 1


@pytest.mark.parametrize("block", [1.0, 3.0, 25.0])
def test_blocks_begin_anywhere_and_are_as_long_as_asked(block):
    n, draws = 500, 400
    rows = drawn(n, block, draws, 11)
    assert rows.shape == (draws, n)
    counts = np.bincount(rows.ravel(), minlength=n)
    # Of independent draws the counts have this deviation; blocks make them vary together, by bar no more.
    assert counts.mean() == draws
    assert counts.std() == pytest.approx(math.sqrt(draws), rel=0.2)
    goes_on = (rows[:, 1:] == (rows[:, :-1] + 1) % n).mean()
    assert goes_on == pytest.approx(1 - 1 / block + 1 / (block * n), abs=4 * math.sqrt(1 / block / rows.size) + 1e-3)
    again = drawn(n, block, draws, 11)
    assert (again == rows).all()
    assert (drawn(n, block, draws, 12) != rows).any()


def test_resampled_means_are_distributed_as_those_of_arch():
    from arch.bootstrap import StationaryBootstrap

    values = np.convolve(np.random.default_rng(5).normal(size=630), np.ones(30) / 30, "valid")[:, None]
    ours = means(values, 12.0, 4000, 1)[:, 0]
    theirs = StationaryBootstrap(12, values, seed=1).apply(lambda x: x.mean(axis=0), 2000)[:, 0]
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * ours.std() / math.sqrt(2000))
    assert np.quantile(ours, [0.05, 0.5, 0.95]) == pytest.approx(
        np.quantile(theirs, [0.05, 0.5, 0.95]), abs=0.15 * ours.std()
    )


def test_the_gain_of_an_ensemble_is_that_of_histories_drawn_one_by_one():
    one, other = series(300, 2, 6).T
    found = ensemble_gain(one, {"a": other}, 252, draws=100, seed=5)
    block = statistics.block_length(np.column_stack([one, other]))
    ratios = [
        statistics.sharpe(one[rows], 252) - statistics.sharpe(other[rows], 252) for rows in drawn(300, block, 100, 5)
    ]
    assert [found["low"], found["high"]] == pytest.approx(np.quantile(ratios, [0.05, 0.95]).tolist(), rel=1e-12)
    assert found["share-above-zero"] == np.mean(np.array(ratios) > 0)


@given(
    n=st.integers(10, 300),
    rho=st.floats(-0.9, 0.95),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
    seed=st.integers(0, 10**6),
)
@settings(deadline=None)
def test_the_block_length_is_that_of_arch(n, rho, scale, seed):
    from arch.bootstrap import optimal_block_length

    noise = np.random.default_rng(seed).normal(0, scale, (n, 2))
    for i in range(1, n):
        noise[i] += rho * noise[i - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        each = optimal_block_length(noise)["stationary"].to_numpy()
    assert statistics.block_length(noise) == pytest.approx(max(1.0, *each[np.isfinite(each)]), rel=1e-7)


def test_what_is_asked_again_is_not_computed_again():
    asked = []

    @remembered
    def total(values, factor):
        asked.append(factor)
        return float(values.sum()) * factor

    ones = np.ones(3)
    assert [total(ones, 2), total(ones.copy(), 2), total(ones.astype(np.float32), 2), total(ones, 2.0)] == [6] * 4
    assert asked == [2, 2, 2.0]
    ones[0] = 2
    assert total(ones, 2) == 8
    assert total(np.ones((3, 1)), 2) == 6
    for factor in range(10, 10 + resampling.KEPT):
        total(ones, factor)
    asked.clear()
    assert total(ones, 2) == 8
    assert asked == [2]


def test_models_that_always_differ_by_the_same_are_told_apart_without_end():
    base = np.random.default_rng(1).normal(0, 0.01, 200)
    found = statistics.mcs(np.column_stack([base - 1, base, base + 1]), draws=99)
    assert found.p_models == (1.0, 0.01, 0.01)


@pytest.mark.parametrize("skill", [0.0, 0.4])
def test_a_long_series_is_resampled_in_steps_of_several_bars_with_the_same_answers(monkeypatch, skill):
    rng = np.random.default_rng(5)
    moves = 0.01 * rng.standard_t(5, (8_001, 3)) + skill * np.array([0.0, 0.0003, 0.001])
    held, others, returns = moves[:, 0], moves, moves[:, 1]
    asked = [
        lambda: statistics.spa(-held, -others[:, 1:], seed=3, draws=1000).p_value,
        lambda: statistics.mcs(-others, seed=3, draws=1000).p_models,
        lambda: statistics.drawdown_quantile(returns, seed=3, draws=400),
    ]
    whole = [one() for one in asked]
    monkeypatch.setattr(resampling, "STEPS", 2_000)  # five bars each, the last of one
    resampling_in_steps = [one() for one in asked]
    assert resampling_in_steps != whole
    for found, expected in zip(resampling_in_steps, whole, strict=True):
        assert found == pytest.approx(expected, abs=0.1)
