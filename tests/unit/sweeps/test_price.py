"""What luck alone would have found."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from quorate.sweeps.objectives import ONE_LOSS
from quorate.sweeps.price import luck
from quorate.sweeps.trial import FoldLoss, Trial

BLOCKS, ROWS = 64, 1600


def searched(rng, trials, shared=0.0):
    """Return a search whose trials are as good as the recipe's own parameters, but for chance."""
    own = rng.normal(17.0, 2.0, BLOCKS)
    common = rng.normal(0, np.sqrt(shared), BLOCKS)

    def trial(number, blocks):
        return Trial(number, {}, {0: FoldLoss(float(blocks.sum()), ROWS, tuple(blocks))}, "complete", 1)

    noise = rng.normal(0, np.sqrt(1 - shared), (trials, BLOCKS))
    return SimpleNamespace(
        reference=trial(-1, own),
        done=[trial(k, own + common + noise[k]) for k in range(trials)],
        rules=SimpleNamespace(folds=1, objectives=ONE_LOSS),
    )


@pytest.mark.parametrize("trials", [5, 20, 60])
def test_it_is_what_the_best_of_so_many_equal_ones_gains(trials):
    rng = np.random.default_rng(trials)
    told, gained = [], []
    for draw in range(600):
        search = searched(rng, trials)
        if draw % 10 == 0:  # it varies less than what is gained, and takes longer
            told.append(luck(search))
        gained.append(search.reference.value - min(trial.value for trial in search.done))
    assert np.mean(told) == pytest.approx(np.mean(gained), rel=0.12)


def test_trials_that_are_alike_are_fewer():
    rng = np.random.default_rng(1)
    apart = np.mean([luck(searched(rng, 20)) for _ in range(20)])
    alike = np.mean([luck(searched(rng, 20, shared=0.95)) for _ in range(20)])
    assert alike < 0.7 * apart


def test_of_fewer_than_two_it_says_nothing():
    rng = np.random.default_rng(2)
    assert luck(searched(rng, 1)) is None
    same = searched(rng, 3)
    same.done = [Trial(k, {}, same.reference.folds, "complete", 1) for k in range(3)]
    assert luck(same) is None
