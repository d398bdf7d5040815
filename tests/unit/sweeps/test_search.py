"""A search finds the same whatever finishes first, however many workers there are, and whenever it is killed."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.errors import IntegrityError
from quorate.plugins.space import Choice, Float, Int
from quorate.sweeps.objectives import ONE_LOSS
from quorate.sweeps.pruning import stops_of
from quorate.sweeps.racing import block_sums, chance_to_win, p_worse
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.schedule import GENERATION, Wait, known_to
from quorate.sweeps.search import REFERENCE, Rules, Search
from quorate.sweeps.study import Study
from quorate.sweeps.trial import FoldLoss, Trial
from quorate_plugins.samplers import quorate_samplers

SPACE = {"depth": Int(1, 9), "kind": Choice(([16], [32, 16])), "rate": Float(1e-3, 1.0, log=True)}
OWN = {"depth": 3, "kind": [16], "rate": 0.1, "other": "kept"}
FOLDS = 5
TPE = Sampler(next(spec for spec in quorate_samplers() if spec.name == "tpe"), {})


def loss(params, fold, broken=lambda params: False):
    """What these parameters cost on a fold: best at depth 5 and rate 0.03, and noisy."""
    if broken(params):
        return FoldLoss(error="it raised ValueError: no")
    seed = [fold, params["depth"], round(1e6 * params["rate"])]
    level = 0.7 + 0.01 * abs(params["depth"] - 5) + 0.02 * abs(math.log10(params["rate"]) + 1.5)
    shared = np.random.default_rng(fold).normal(0, 0.5, 8)
    blocks = 25 * level + shared + np.random.default_rng(seed).normal(0, 0.1, 8)
    return FoldLoss(float(blocks.sum()), 200, tuple(blocks.tolist()), seconds=1.0)


def begin(folder, trials=14, race=True, heard=None, max_failures=50):
    rules = Rules(trials, FOLDS, TPE, 11, stops_of("race" if race else "none", 0.05, FOLDS), max_failures)
    told = heard if heard is not None else []
    return Search(
        Study(folder, "model", SPACE, ONE_LOSS), Trial(REFERENCE, OWN), rules, lambda trial: told.append(trial.number)
    )


def drive(search, workers, seed, kill_after=None, broken=lambda params: False):
    """Let workers fit, each as long as chance will have it; return how many fits there were."""
    rng, running, fits = np.random.default_rng(seed), [], 0
    search.decide()
    while True:
        while len(running) < workers and (place := next(search.wanted(), None)) is not None:
            running.append(place)
        if not running or (kill_after is not None and fits >= kill_after):
            if not running:
                search.keep()
            return fits
        number, fold = running.pop(int(rng.integers(len(running))))
        fits += 1
        search.put(number, fold, loss(search.trial(number).params, fold, broken))
        if rng.random() < 0.5:  # whenever there is time for it
            search.keep()


def found(search):
    return [(t.number, t.state, t.used, dict(t.params), t.value) for t in search.done], search.best.number


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    search = begin(tmp_path_factory.mktemp("one"))
    fits = drive(search, workers=1, seed=0)
    return found(search), fits


def test_it_ends_with_as_many_trials_as_were_asked_for(undisturbed):
    (trials, best), _ = undisturbed
    assert [number for number, *_ in trials] == list(range(14))
    assert {state for _, state, *_ in trials} == {"complete", "raced"}
    complete = {number: value for number, state, _, _, value in trials if state == "complete"}
    assert best == min(complete, key=complete.get)


@pytest.mark.parametrize("workers", [2, 4, 64])
@pytest.mark.parametrize("seed", [1, 2])
def test_any_number_of_workers_finds_the_same(tmp_path, undisturbed, workers, seed):
    search = begin(tmp_path)
    fits = drive(search, workers, seed)
    assert found(search) == undisturbed[0]
    assert fits >= undisturbed[1]


@pytest.mark.parametrize("seed", range(4))
def test_what_was_killed_goes_on_as_if_nothing_had_been(tmp_path, undisturbed, seed):
    rng = np.random.default_rng(seed)
    heard = []
    for _ in range(40):
        search = begin(tmp_path, heard=heard)
        if search.finished:
            break
        drive(search, int(rng.integers(1, 5)), seed, kill_after=int(rng.integers(1, 25)))
        journal = tmp_path / "journal.log"
        with open(journal, "ab") as file:  # a write that was cut off
            file.write(journal.read_bytes().splitlines()[-1][: int(rng.integers(1, 20))])
        (tmp_path / "journal.log.lock").touch()
    again = begin(tmp_path)
    again.decide()
    again.reference.folds = {k: loss(OWN, k) for k in range(FOLDS)}
    again.decide()
    assert again.finished
    assert found(again) == undisturbed[0]
    assert heard == sorted(set(heard))  # no trial was decided twice


def damaged(lines, how):
    """Return the lines of a journal, changed in one way."""
    records = [json.loads(line) for line in lines]
    told = next(r for r in records if "came" in r.get("user_attr", {}))
    asked = [r for r in records if "distributions" in r]
    if how == "a total":
        told["user_attr"]["came"]["folds"][0][0] += 1.0
    elif how == "no total":
        told["user_attr"]["came"]["folds"][0][0] = float("nan")
    elif how == "no folds":
        told["user_attr"]["came"]["folds"] = None
    elif how == "a parameter":
        asked[2]["params"]["depth"] = 99
    elif how == "a state":
        next(r for r in records if r.get("state") == 2)["state"] = 1
    elif how == "a trial gone":
        records.remove(asked[1])
    elif how == "an operation":
        told["op_code"] = 99
    elif how == "a study":
        asked[0]["study_id"] = 7
    return [json.dumps(record) for record in records]


@pytest.mark.parametrize(
    "how",
    ["a total", "no total", "no folds", "a parameter", "a state", "a trial gone", "an operation", "a study"],
)
def test_a_journal_that_was_changed_is_refused(tmp_path, how):
    drive(begin(tmp_path), 2, 0)
    journal = tmp_path / "journal.log"
    lines = journal.read_text().splitlines()
    changed = damaged(lines, how)
    assert changed != lines
    journal.write_text("\n".join(changed) + "\n")
    with pytest.raises(IntegrityError, match=r"damaged.*start the sweep again"):
        begin(tmp_path)


def test_a_search_that_is_complete_asks_for_nothing(tmp_path):
    drive(begin(tmp_path), 2, 0)
    again = begin(tmp_path)
    drive(again, 2, 0)
    assert len(again.study.trials) == 14
    assert next(again.wanted(), None) is None


def test_failed_trials_do_not_count(tmp_path):
    def broken(params):
        return params["depth"] in (4, 5) and "other" not in params

    search = begin(tmp_path, trials=10)
    drive(search, 3, 5, broken=broken)
    states = [trial.state for trial in search.done]
    assert states.count("failed") > 0
    assert len(states) - states.count("failed") == 10
    (tmp_path / "other").mkdir()
    other = begin(tmp_path / "other", trials=10)
    drive(other, 1, 9, broken=broken)
    # A failed trial has no value.
    assert str(found(other)) == str(found(search))


def test_racing_saves_fits_and_finds_as_good_a_one(tmp_path):
    (tmp_path / "all").mkdir()
    raced, whole = begin(tmp_path, trials=30), begin(tmp_path / "all", trials=30, race=False)
    fewer, all_of_them = drive(raced, 1, 0), drive(whole, 1, 0)
    assert all_of_them == 31 * FOLDS
    assert fewer < 0.8 * all_of_them
    assert {trial.state for trial in whole.done} == {"complete"}
    gain = OWN_VALUE - whole.best.value
    assert raced.best.value <= whole.best.value + 0.2 * gain


OWN_VALUE = sum(loss(OWN, k).total for k in range(FOLDS)) / (200 * FOLDS)


def test_the_recipes_own_parameters_are_best_where_no_trial_is_better(tmp_path):
    search = begin(tmp_path, trials=4)
    search.reference.params = {"depth": 5, "kind": [16], "rate": 10**-1.5}
    drive(search, 1, 0)
    assert search.best is search.reference


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 6), st.lists(st.booleans(), min_size=200, max_size=200))
def test_a_schedule_ends_with_as_many_as_count(trials, size, luck):
    """Decide as late as possible: whoever must wait for all that is known could always ask."""
    decided: list[bool] = []
    asked = 0
    while asked < 150:
        try:
            came = known_to(asked, decided, trials, size)
        except Wait:
            assert len(decided) < asked
            decided.append(luck[len(decided)])
            continue
        if came is None:
            break
        known, begun = came
        assert known <= begun <= asked < begun + size
        assert known <= len(decided)
        assert asked - known < 2 * size
        asked += 1
        assert known_to(asked - 1, luck[:asked], trials, size) == came  # whatever is decided since
    decided = luck[:asked]
    assert asked == 150 or sum(decided) == trials


def test_at_most_two_generations_are_under_way():
    known = [known_to(n, [True] * n, 100)[0] for n in range(13)]
    assert known == [0] * (2 * GENERATION) + [4] * 4 + [8]
    assert [known_to(n, [True] * n, 6)[1] for n in range(6)] == [0, 0, 0, 0, 4, 4]
    assert known_to(6, [True] * 6, 6) is None


@pytest.mark.parametrize(
    ("losses", "best", "expected"),
    [([1.0], [0.0], 1.0), ([1, 1, 1], [1, 1, 1], 1.0), ([2, 2], [1, 1], 0.0), ([1, 1], [2, 2], 1.0)],
)
def test_where_nothing_varies_the_level_decides(losses, best, expected):
    assert p_worse(np.array(losses, float), np.array(best, float)) == expected


def test_the_test_is_the_paired_t_test():
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(3)
    x, y = rng.normal(0.1, 1, 40), rng.normal(0, 1, 40)
    assert p_worse(x, y) == pytest.approx(ttest_rel(x, y, alternative="greater").pvalue, rel=1e-12)


def test_the_tests_size_is_its_level():
    rng = np.random.default_rng(4)
    found = [p_worse(rng.normal(size=24), rng.normal(size=24)) < 0.05 for _ in range(4000)]
    assert np.mean(found) == pytest.approx(0.05, abs=0.011)


def test_the_chance_to_win_is_how_often_it_is_won():
    """Differences of blocks drawn around any mean: of those that are given a chance of about p, about p win."""
    rng = np.random.default_rng(5)
    given, won = [], []
    for _ in range(6000):
        blocks = rng.normal(rng.normal(0, 3), 1, 40)  # nothing is known of the mean beforehand
        given.append(chance_to_win(blocks[:15], np.zeros(40)))
        won.append(blocks.mean() < 0)
    given, won = np.array(given), np.array(won)
    for low, high in ((0.02, 0.1), (0.1, 0.4), (0.6, 0.9)):
        near = (given > low) & (given < high)
        assert won[near].mean() == pytest.approx(given[near].mean(), abs=3.5 * np.sqrt(0.25 / near.sum()))


def test_the_chance_to_win_is_certain_in_the_end():
    blocks = np.random.default_rng(6).normal(0.1, 1, 30)
    assert chance_to_win(blocks, np.zeros(30)) == float(blocks.mean() <= 0)
    assert chance_to_win(blocks[:1], np.zeros(30)) == 1.0


def test_blocks_are_of_bars_and_the_rest_joins_the_last():
    bar = np.array([10, 10, 12, 14, 15, 18, 20])
    assert block_sums(np.ones(7), bar, 10, 21, 5).tolist() == [4, 3]
    assert block_sums(np.ones(2), bar[:2], 10, 12, 25).tolist() == [2]
