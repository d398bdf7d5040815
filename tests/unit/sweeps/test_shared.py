"""A study that several sweeps share: each trial is one's, as many count as were wanted, and the dead are replaced."""

from __future__ import annotations

import traceback

import numpy as np
import pytest
from test_search import FOLDS, OWN, SPACE, TPE, loss

from quorate.errors import RecipeError, StoreError
from quorate.sweeps import shared
from quorate.sweeps.objectives import ONE_LOSS
from quorate.sweeps.pruning import stops_of
from quorate.sweeps.search import Rules
from quorate.sweeps.shared import SURPLUS, SharedSearch, SharedStudy
from quorate.sweeps.trial import REFERENCE, Trial


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'study.db'}"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(shared, "BEAT", 1)
    monkeypatch.setattr(shared, "GRACE", 4)
    monkeypatch.setattr(shared, "POLL", 0.01)


def begin(url, owner, trials=8, facts="the same"):
    study = SharedStudy(url, "model", SPACE, ONE_LOSS, facts, owner)
    rules = Rules(trials, FOLDS, TPE, 11, stops_of("race", 0.05, FOLDS), 50)
    return SharedSearch(study, Trial(REFERENCE, OWN), rules, lambda trial: None)


class Driver:
    """A sweep that fits a fold at a time."""

    def __init__(self, search):
        self.search, self.places = search, []
        search.decide()

    def step(self):
        """Fit one fold; return whether there was one."""
        place = next(self.search.wanted(), None)
        if place is None:
            self.search.keep()
            return False
        number, fold = place
        self.places.append(place)
        self.search.put(number, fold, loss(self.search.trial(number).params, fold))
        return True


def ended(search):
    """Return number, owner and state of what is in the database."""
    search.study.sync()
    return [(t.number, t.owner, t.state) for t in search.study.trials]


@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.full) for k in (1,))])
def test_two_end_with_as_many_as_were_wanted_and_no_trial_twice(url, seed):
    drivers = [Driver(begin(url, owner)) for owner in ("one", "two")]
    rng = np.random.default_rng(seed)
    while not all(driver.search.finished for driver in drivers):
        driver = drivers[int(rng.integers(2))]
        for _ in range(int(rng.integers(1, 9))):
            if not driver.step():
                driver.search.study.sync()
                break
    one, two = drivers
    trials = [t for t in ended(one.search) if t[2] != "failed"]
    assert len(trials) == 8
    assert {owner for _, owner, _ in trials} == {"one", "two"}
    assert {t.error for t in one.search.study.trials if t.state == "failed"} <= {SURPLUS}
    fitted = [{place for place in driver.places if place[0] != REFERENCE} for driver in drivers]
    assert not fitted[0] & fitted[1]
    assert [t.number for t in one.search.done] == [t.number for t in two.search.done]
    assert one.search.best.params == two.search.best.params
    assert one.search.best.value == two.search.best.value


def test_what_was_asked_at_the_same_time_is_not_one_too_many(url):
    """Two that see the same one trial missing both ask: the later number is not needed, and is not fitted."""
    one, two = begin(url, "one", trials=1), begin(url, "two", trials=1)
    for search in (one, two):
        search.reference.folds = {k: loss(OWN, k) for k in range(FOLDS)}
        search.decide()
    looked, look = [], two.study.sync

    def late():
        looked.append(True)
        if len(looked) > 1:
            look()

    two.study.sync = late
    assert one.ask()
    assert two.ask()
    assert ended(two) == [(0, "one", "running"), (1, "two", "failed")]
    assert two.study.trials[1].error == SURPLUS
    assert begin(url, "three", trials=1).study.trials[1].error == SURPLUS
    assert two.done == []
    assert next(two.wanted(), None) is None


@pytest.mark.full
def test_the_dead_are_replaced_with_the_same_parameters(url):
    dead = Driver(begin(url, "dead"))
    while len(dead.search.study.trials) < 3:
        assert dead.step()
    told = dead.search._told
    asked = {t.number: dict(t.params) for t in dead.search.study.trials if t.number not in told}
    assert asked
    dead.search.close()
    dead.search.study.beat = lambda: None
    living = Driver(begin(url, "living"))
    while not living.search.finished:
        if not living.step():
            living.search.wait()
    states = ended(living.search)
    assert sum(state != "failed" for *_, state in states) == 8
    failed = [number for number, owner, state in states if state == "failed" and owner == "dead"]
    assert failed == sorted(asked)
    again = [dict(t.params) for t in living.search.study.trials if t.owner == "living"]
    assert all(params in again for params in asked.values())


def test_its_own_trials_are_gone_on_with_after_a_kill(url):
    killed = Driver(begin(url, "mine"))
    for _ in range(FOLDS + 3):
        killed.step()
    killed.search.close()
    before = ended(killed.search)
    resumed = Driver(begin(url, "mine"))
    while resumed.step():
        pass
    assert resumed.search.finished
    after = ended(resumed.search)
    assert [t[:2] for t in after[: len(before)]] == [t[:2] for t in before]
    assert len(after) == 8


def test_another_recipe_is_not_mixed_in(url):
    begin(url, "one")
    with pytest.raises(RecipeError, match=r"another recipe, other bars or another space.*tuning\.study"):
        begin(url, "two", facts="others")


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ("nonsense", RecipeError, "must be the URL of a database"),
        ("sqlite:////nowhere/there/study.db", StoreError, "unable to open database file"),
        ("oracle://db/x", RecipeError, "the library for oracle://db/x is missing"),
        ("postgresql://me:${STUDY_PASSWORD}@127.0.0.1:1/x", StoreError, "cannot be used"),
        ("postgresql://me:${NOT_SET_AT_ALL}@127.0.0.1:1/x", RecipeError, "NOT_SET_AT_ALL, which is not set"),
    ],
)
def test_a_database_that_is_none_is_told_without_its_password(given, error, told, monkeypatch):
    monkeypatch.setenv("STUDY_PASSWORD", "geheim")
    with pytest.raises(error, match=told) as raised:
        begin(given, "one")
    assert "geheim" not in "".join(traceback.format_exception(raised.value))
