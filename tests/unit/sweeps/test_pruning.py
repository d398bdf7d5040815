"""Rules that stop a trial: functions of losses and numbers."""

from __future__ import annotations

import pytest

from quorate.sweeps.pruning import hyperband, median, stops_of, wilcoxon
from quorate.sweeps.trial import FoldLoss, Trial


def trial(number, *folds, state="complete"):
    """Return a trial with these mean losses on its folds, of ten rows each."""
    losses = {k: FoldLoss(10 * loss, 10, (10 * loss,)) for k, loss in enumerate(folds)}
    return Trial(number, {}, losses, state, len(folds))


BEST = trial(0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)


def test_the_median_is_of_as_many_folds():
    rivals = [trial(k, 0.1 * k, 9.0 - k) for k in range(1, 5)]  # after one fold .1 to .4, after two 4.05 and less
    assert not median(trial(9, 0.2), 1, rivals, BEST)
    assert median(trial(9, 0.3), 1, rivals, BEST)
    assert not median(trial(9, 0.3, 2.0), 2, rivals, BEST)
    assert not median(trial(9, 0.3), 1, rivals[:3], BEST)  # of too few nothing is said
    assert not median(trial(9, 0.3), 1, [*rivals[:3], trial(4, state="failed")], BEST)


def test_wilcoxon_needs_four_folds():
    worse = trial(3, *[1.1] * 6)
    assert [wilcoxon(worse, used, [], BEST) for used in range(1, 6)] == [False, False, False, True, True]
    assert not wilcoxon(trial(3, 5.0, 0.9, 0.9, 0.9, 0.9, 0.9), 6, [], BEST)  # worse in the mean, on one fold alone
    assert not wilcoxon(trial(3, *[0.9] * 6), 6, [], BEST)


def test_hyperband_lets_one_of_three_pass_a_rung():
    # With 8 folds the rungs are at 1 and 3; trials with even numbers are asked at both, others at 3 alone.
    rivals = [trial(0, 1.0), trial(2, 2.0), trial(4, 3.0), trial(6, 4.0), trial(8, 5.0)]
    assert hyperband(trial(10, 2.5), 1, rivals, 8)
    assert not hyperband(trial(10, 1.5), 1, rivals, 8)
    assert not hyperband(trial(10, 2.5), 2, rivals, 8)
    assert not hyperband(trial(11, 9.0), 1, rivals, 8)
    assert not hyperband(trial(2, 9.0), 1, [], 8)  # the first has nobody to be worse than


@pytest.mark.parametrize("rule", ["race", "median", "hyperband", "wilcoxon"])
def test_what_cannot_be_worse_is_not_stopped(rule):
    stops = stops_of(rule, 0.05, 6)
    rivals = [trial(k, *[1.0] * 6) for k in range(8)]
    assert not any(stops(trial(9, *[1.0] * used), used, rivals, BEST) for used in range(1, 6))


def test_none_stops_nothing():
    assert stops_of("none", 0.05, 6) is None
