"""Overfitting by combinatorial cross-validation, and how many trials there were."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from quorate import statistics


def waves(k):
    """A matrix that needs no generator: 96 bars of up to seven candidates."""
    t, j = np.arange(1, 97)[:, None], np.arange(1, k + 1)[None, :]
    return 0.001 * j / 7 + 0.01 * np.sin(t * (j + 0.37)) + 0.004 * np.cos(t**2 * 0.11 * j)


def by_hand(returns, blocks):
    """Bailey et al. (2017), written as the paper describes it."""
    parts = np.array_split(returns, blocks)
    overfitted, losses, pairs = [], [], []
    for taken in combinations(range(blocks), blocks // 2):
        inside = np.concatenate([parts[i] for i in taken])
        outside = np.concatenate([parts[i] for i in range(blocks) if i not in taken])
        before, after = (x.mean(axis=0) / x.std(axis=0, ddof=1) for x in (inside, outside))
        best = int(before.argmax())
        w = (after <= after[best]).sum() / (returns.shape[1] + 1)
        overfitted.append(math.log(w / (1 - w)) <= 0)
        losses.append(after[best] < 0)
        pairs.append((before[best], after[best]))
    return np.mean(overfitted), np.mean(losses), np.polyfit(*np.transpose(pairs), 1)[0]


# Bailey, Borwein, Lopez de Prado and Zhu (2017): rank / (N + 1), at or below the median is overfitted. With seven
# candidates purgedcv (below the median) and R pbo (rank / N) give 0.50; with six all agree.
@pytest.mark.parametrize("k", [6, 7])
def test_probability_of_overfitting_in_the_papers_convention(k):
    assert statistics.pbo(waves(k), blocks=6).pbo == pytest.approx(0.55, abs=1e-12)


@pytest.mark.parametrize("k, blocks", [(6, 6), (7, 8), (2, 10), (5, 10)])
def test_it_is_the_procedure_of_the_paper_step_by_step(k, blocks):
    found = statistics.pbo(waves(k), blocks)
    assert (found.pbo, found.p_loss, found.slope) == pytest.approx(by_hand(waves(k), blocks), abs=1e-9)
    assert found.splits == math.comb(blocks, blocks // 2)
    assert (found.blocks, found.n, found.candidates) == (blocks, 96, k)


def test_sixteen_blocks_are_12870_splits():
    assert statistics.pbo(waves(3)).splits == 12870  # Bailey et al. (2017)


def test_where_nobody_earns_over_all_the_best_must_lose():
    # After holdout-backtest's test_winners_that_must_lose_sit_near_one: what one half gains the other loses.
    noise = np.random.default_rng(2).normal(0, 0.01, (1000, 20))
    found = statistics.pbo(noise - noise.mean(axis=0), by="mean")
    assert (found.pbo, found.p_loss) == (1, 1)


def test_a_truly_better_candidate_is_found_again():
    noise = np.random.default_rng(2).normal(0, 0.01, (1000, 20))
    noise[:, 7] += 0.005
    found = statistics.pbo(noise)
    assert (found.pbo, found.p_loss) == (0, 0)


@pytest.mark.parametrize("k", [2, 3, 9])
def test_clones_of_a_good_strategy_share_their_rank_and_never_lose(k):
    one = np.random.default_rng(2).normal(0.003, 0.01, 800)
    found = statistics.pbo(np.column_stack([one] * k))
    assert (found.pbo, found.p_loss) == (1, 0)


def test_a_series_that_never_traded_is_no_candidate():
    noise = np.random.default_rng(2).normal(0.001, 0.01, (400, 3))
    assert statistics.pbo(np.column_stack([noise, np.zeros(400)]), 8) == statistics.pbo(noise, 8)
    assert math.isnan(statistics.pbo(np.column_stack([noise[:, 0], np.zeros(400)]), 8).pbo)


def test_a_half_without_trades_has_a_sharpe_ratio_of_zero():
    noise = np.random.default_rng(2).normal(0, 0.01, (400, 2))
    noise[:, 0] -= noise[:, 0].mean() + 0.01
    noise[:200, 1] = 0.0
    found = statistics.pbo(noise, 2)  # the second is the best of the first half, with nothing
    assert found.splits == 2
    assert found.pbo == 0


@pytest.mark.parametrize("returns", [waves(1), waves(3)[:31], waves(3) * np.nan, np.zeros((0, 0)), np.zeros((96, 3))],
                         ids=["one candidate", "too short", "unknown", "empty", "never traded"])  # fmt: skip
def test_an_undefined_probability_is_nan(returns):
    found = statistics.pbo(returns)
    assert math.isnan(found.pbo)
    assert math.isnan(found.p_loss)


@pytest.mark.parametrize("blocks", [0, 1, 7])
def test_an_odd_number_of_blocks_is_refused(blocks):
    with pytest.raises(ValueError, match=f"even number of blocks, at least 2; blocks was {blocks}"):
        statistics.pbo(waves(3), blocks)


# --- how many trials


def families(n, sizes, noise=0.3, seed=0):
    """Families of trials: each a common series and some noise of its own."""
    rng = np.random.default_rng(seed)
    common = [np.repeat(rng.normal(0, 0.01, (n, 1)), size, axis=1) for size in sizes]
    return np.hstack(common) + rng.normal(0, 0.01 * noise, (n, sum(sizes)))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.7, 0.9])
@pytest.mark.parametrize("k", [5, 20, 100])
def test_the_best_of_correlated_trials_is_as_lucky_as_that_of_fewer_independent_ones(correlation, k):
    # Of normal numbers that all correlate by c, given what they share, the largest is that of independent ones.
    from scipy import integrate, optimize, special, stats

    def within(bound):
        def given(shared):
            left = (bound - math.sqrt(correlation) * shared) / math.sqrt(1 - correlation)
            return stats.norm.pdf(shared) * special.ndtr(left) ** k

        return integrate.quad(given, -8, 8, limit=200)[0]

    bound = optimize.brentq(lambda b: within(b) - 0.95, 0, 6)
    exact = math.log(0.95) / math.log(special.ndtr(bound))
    rng = np.random.default_rng(k)
    common = rng.normal(0, 0.01, (5000, 1))
    series = math.sqrt(correlation) * common + math.sqrt(1 - correlation) * rng.normal(0, 0.01, (5000, k))
    assert statistics.effective_trials(series) == pytest.approx(exact, rel=0.1)


def test_the_chance_of_the_best_of_trials():
    assert statistics.best_of(0.01, 1) == pytest.approx(0.01)
    assert statistics.best_of(0.01, 5) == pytest.approx(1 - 0.99**5)
    assert statistics.p_alone(statistics.best_of(0.003, 7.5), 7.5) == pytest.approx(0.003)
    assert statistics.best_of(1.0, 3) == 1.0
    assert math.isnan(statistics.best_of(0.01, 0.5))
    assert math.isnan(statistics.p_alone(0.05, 0.0))


def test_identical_series_count_once():
    one = families(300, [1, 1, 1])
    alone = statistics.effective_trials(one)
    assert statistics.effective_trials(np.hstack([one, one, one[:, :1]])) == pytest.approx(alone, abs=0.1)
    assert alone == pytest.approx(3, abs=0.1)
    assert statistics.effective_trials(np.hstack([one[:, :1]] * 4)) == 1


def test_a_scaled_series_is_the_same_trial_and_its_opposite_is_not():
    one = families(300, [1])
    assert statistics.effective_trials(np.hstack([one, 3 * one])) == 1
    assert statistics.effective_trials(np.hstack([one, -one])) == pytest.approx(2, abs=0.1)


def test_independent_trials_all_count():
    noise = families(3000, [1] * 20)
    assert statistics.effective_trials(noise) == pytest.approx(20, rel=0.05)


def test_the_order_of_the_trials_does_not_matter():
    series = families(400, [4, 2, 1, 1])
    shuffled = series[:, np.random.default_rng(1).permutation(8)]
    assert statistics.effective_trials(shuffled) == statistics.effective_trials(series)


def test_what_never_traded_is_no_trial():
    series = np.hstack([families(300, [1, 1]), np.zeros((300, 3))])
    assert statistics.effective_trials(series) == statistics.effective_trials(series[:, :2])


@pytest.mark.parametrize("returns", [np.zeros((50, 3)), np.empty((50, 0)), np.full((50, 2), np.nan), np.ones((1, 2))],
                         ids=["never traded", "no trial", "unknown", "one bar"])  # fmt: skip
def test_without_a_trial_there_is_no_number_of_them(returns):
    assert math.isnan(statistics.effective_trials(returns))
