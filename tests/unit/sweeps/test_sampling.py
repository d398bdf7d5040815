"""What a sampler is told and seeded with, and how its answer is read: any fault is the sampler's, by name."""

from __future__ import annotations

import math

import numpy as np
import pytest

import quorate
from quorate.errors import PluginError
from quorate.plugins.space import Choice, Float, Int
from quorate.sweeps.sampling import Sampler, read
from quorate.sweeps.trial import FoldLoss, Trial

SPACE = {
    "a": Float(0.1, 10.0, log=True),
    "k": Int(1, 9),
    "on": Choice((True, 1, "1")),
    "layers": Choice(([16], [32, 16])),
}
GOOD = {"a": 1.0, "k": 3, "on": True, "layers": [16]}


def sampler(function, **more):
    return Sampler(quorate.SamplerSpec("mine", function, **more), {})


def trial(number, state="complete", folds=2, value=0.5):
    losses = {k: FoldLoss(value * (k + 1), k + 1) for k in range(3)}
    return Trial(number, {**GOOD, "other": "not tuned"}, losses, state, folds)


def told(known=(), running=(), number=9, seed=5, **more):
    """Return what a sampler is given."""
    seen = []

    def ask(*arguments):
        seen.extend(arguments)
        return GOOD

    sampler(ask, **more).suggest(SPACE, known, running, number, seed)
    return seen


def test_it_is_told_what_was_decided_by_number_without_what_failed():
    known = [trial(3), trial(-1), trial(0, "raced", 1, 0.7), trial(1, "failed", 0)]
    space, earlier, running, number, _ = told(known, [Trial(5, GOOD), Trial(4, GOOD)])
    assert space == SPACE
    assert [(t.number, t.state, t.folds) for t in earlier] == [(-1, "complete", 2), (0, "raced", 1), (3, "complete", 2)]
    assert [t.value for t in earlier] == [0.5, 0.7, 0.5]
    assert all(t.params == GOOD for t in earlier)
    assert [(t.number, t.state, t.folds) for t in running] == [(4, "running", 0), (5, "running", 0)]
    assert all(math.isnan(t.value) for t in running)
    assert number == 9


def test_its_seed_is_of_study_and_trial_or_of_the_study():
    assert told()[-1] == int(np.random.SeedSequence([5, 9]).generate_state(1)[0])
    assert len({told(number=n)[-1] for n in range(5)}) == 5
    alike = {told(number=n, seeded_by="study")[-1] for n in range(5)}
    assert len(alike) == 1
    assert alike != {told(seed=6, seeded_by="study")[-1]}


def test_what_it_changes_is_its_own():
    def spoil(space, known, running, number, seed):
        space["k"] = Int(1, 2)
        space["layers"].values[0].append(7)
        known[0].params["layers"].append(7)
        known[0].params["a"] = 99.0
        return {**GOOD, "layers": [32, 16]}

    known = [trial(0)]
    found = sampler(spoil).suggest(SPACE, known, [], 1, 5)
    assert known[0].params["layers"] == [16]
    assert known[0].params["a"] == 1.0
    assert SPACE["layers"].values == ([16], [32, 16])
    found["layers"].append(7)
    assert SPACE["layers"].values == ([16], [32, 16])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"a": np.float32(0.5), "k": np.int64(9)}, {"a": 0.5, "k": 9}),
        ({"a": 1, "on": np.str_("1")}, {"a": 1.0, "on": "1"}),
        ({"on": 1, "layers": np.array([32, 16])}, {"on": 1, "layers": [32, 16]}),
        ({"on": np.bool_(True)}, {"on": True}),
    ],
)
def test_numpys_values_become_plain_ones(change, expected):
    found = read(SPACE, {**GOOD, **change})
    assert list(found) == list(SPACE)
    for name, value in {**GOOD, **expected}.items():
        assert found[name] == value
        assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "it must give a dict of a, k, layers, on; it gave NoneType"),
        ([1, 2], "it gave list"),
        ({**GOOD, "kk": 1}, "it gives 'kk', which is not tuned"),
        ({k: v for k, v in GOOD.items() if k != "k"}, "'k' is missing"),
        ({**GOOD, "k": 10}, "k must be a whole number from 1 to 9; it was 10"),
        ({**GOOD, "k": 3.0}, r"k must be a whole number .*; it was 3\.0"),
        ({**GOOD, "k": True}, "k must be a whole number"),
        ({**GOOD, "a": 0.05}, r"a must be a number from 0\.1 to 10\.0; it was 0\.05"),
        ({**GOOD, "a": float("nan")}, "a must be a number .*; it was nan"),
        ({**GOOD, "a": "1"}, "a must be a number"),
        ({**GOOD, "a": np.array([1.0])}, "a must be a number"),
        ({**GOOD, "on": "2"}, "on must be one of True, 1, '1'; it was '2'"),
        ({**GOOD, "layers": [8]}, r"layers must be one of \[16\], \[32, 16\]; it was \[8\]"),
    ],
)
def test_an_answer_outside_the_space_names_sampler_trial_and_value(answer, message):
    with pytest.raises(PluginError, match=rf"sampler 'mine' failed on trial 9: .*{message}"):
        sampler(lambda *given: answer).suggest(SPACE, [], [], 9, 5)


def test_what_it_raises_is_a_plugins_error():
    with pytest.raises(PluginError, match=r"sampler 'mine' failed on trial 9.*ZeroDivisionError"):
        sampler(lambda *given: 1 / 0).suggest(SPACE, [], [], 9, 5)


def test_a_spec_says_how_it_is_seeded():
    with pytest.raises(
        PluginError, match="seeded_by must be one of study, trial; it was 'studdy'; did you mean 'study'"
    ):
        quorate.SamplerSpec("mine", lambda *given: GOOD, seeded_by="studdy")
