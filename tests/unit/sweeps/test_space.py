"""What may be tried of a model, and how it goes to Optuna and back."""

from __future__ import annotations

import json

import pytest

import quorate
from quorate.errors import IntegrityError, RecipeError
from quorate.plugins.space import Choice, Float, Int
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.space import active, fulfilling, holds, space_of
from quorate.sweeps.study import mend
from quorate.sweeps.translation import frozen, unlabelled
from quorate.sweeps.trial import FoldLoss, Trial
from quorate_plugins.samplers import quorate_samplers


class Thing:
    def __init__(self, alpha: float = 1.0, depth: int = 3, kind: str = "a", warm: bool = False) -> None: ...


SPEC = quorate.ModelSpec("thing", Thing, space={"alpha": Float(0.1, 10.0, log=True), "depth": Int(2, 6)})
OPTIONS = {"alpha": 1.0, "depth": 3, "kind": "a", "warm": False}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"alpha": Float(0.1, 10.0, log=True), "depth": Int(2, 6)}),
        ({"depth": {"high": 12}}, {"alpha": Float(0.1, 10.0, log=True), "depth": Int(2, 12)}),
        ({"alpha": {"low": 1, "high": 2, "log": False}, "depth": False}, {"alpha": Float(1.0, 2.0)}),
        ({"alpha": False, "kind": ["a", "b"]}, {"depth": Int(2, 6), "kind": Choice(("a", "b"))}),
    ],
)
def test_a_space_is_narrowed_widened_or_replaced(given, expected):
    assert space_of(SPEC, given, OPTIONS, "thing") == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"alpah": {"low": 1, "high": 2}}, "did you mean 'alpha'"),
        ({"depth": {"low": 7}}, "low must be below high"),
        ({"depth": {"low": 1.5}}, "takes whole numbers"),
        ({"depth": {"low": "2"}}, "tuning.space.thing.depth.low must be a number"),
        ({"alpha": {"lwo": 2}}, "did you mean 'low'"),
        ({"alpha": {"log": 1}}, "log must be true or false"),
        ({"kind": []}, "must hold values"),
        ({"kind": 3}, "must be a range"),
        ({"kind": {"low": 1, "high": 2}}, "tuning.space.thing.kind must be"),
        ({"alpha": False, "depth": False}, "has no search space left"),
        ({"alpha": {"low": 0}}, "must be positive"),
        ({"warm": [True, "yes"]}, "tuning.space.thing.warm must be"),
    ],
)
def test_what_is_no_space_is_refused_before_anything_is_fitted(given, told):
    with pytest.raises(RecipeError, match=told):
        space_of(SPEC, given, OPTIONS, "thing")


def conditional(**given):
    """Return a space in which `alpha` counts with one kind, and `depth` where `alpha` counts."""
    first = {"kind": ["a", "b", "c"], "alpha": {"low": 0.5, "when": {"kind": ["a", "b"]}}}
    return space_of(SPEC, {**first, **given}, OPTIONS, "thing")


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"kind": "a", "alpha": 1.0, "depth": 3}, {"alpha", "depth", "kind"}),
        ({"kind": "c", "alpha": 1.0, "depth": 3}, {"depth", "kind"}),
    ],
)
def test_what_does_not_count_is_left_out(params, expected):
    space = conditional()
    assert space["alpha"] == Float(0.5, 10.0, log=True, when={"kind": ("a", "b")})
    assert set(active(space, params)) == expected


def test_conditions_follow_one_another():
    space = conditional(depth={"when": {"alpha": 1.0}})
    assert space["depth"] == Int(2, 6, when={"alpha": (1.0,)})
    assert set(active(space, {"kind": "c", "alpha": 1.0, "depth": 3})) == {"kind"}
    assert fulfilling(space, "depth") == {"kind": "a", "alpha": 1.0}


def test_a_condition_on_what_is_not_tuned_holds_always_or_never():
    assert conditional(kind=False) == {"alpha": Float(0.5, 10.0, log=True), "depth": Int(2, 6)}
    never = {"kind": False, "alpha": {"when": {"kind": "b"}}, "depth": {"when": {"alpha": 1.0}}}
    with pytest.raises(RecipeError, match="nothing to tune"):
        conditional(**never)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"alpha": {"when": {"kidn": "a"}}}, "there is no 'kidn'; did you mean 'kind'"),
        ({"alpha": {"when": {"kind": "d"}}}, "kind is never 'd' in this space"),
        ({"alpha": {"when": {"kind": []}}}, "takes values by parameter"),
        ({"alpha": {"when": "kind"}}, "takes values by parameter"),
        ({"alpha": {"when": {"depth": 3}}, "depth": {"when": {"alpha": 1.0}}}, "it depends on itself"),
        ({"alpha": {"values": [1.0, 2.0], "low": 1.0}}, "takes values or a range, not both"),
        ({"alpha": {"values": []}}, "alpha.values must hold values"),
    ],
)
def test_conditions_that_are_none_are_refused(given, told):
    with pytest.raises(RecipeError, match=told):
        conditional(**given)


def test_a_plugins_own_conditions_are_kept():
    spec = quorate.ModelSpec(
        "thing", Thing, space={"kind": Choice(("a", "b")), "alpha": Float(0.1, 1.0, when={"kind": ("b",)})}
    )
    space = space_of(spec, {"alpha": {"high": 2.0}}, OPTIONS, "thing")
    assert space["alpha"].when == {"kind": ("b",)}
    assert space["alpha"].high == 2.0
    with pytest.raises(quorate.PluginError, match="when takes a tuple of values by parameter"):
        Float(0.1, 1.0, when={"kind": "b"})


SPACE = {
    "a": Float(0.1, 10.0, log=True),
    "k": Int(1, 9),
    "layers": Choice(([16], [32, 16])),
    "on": Choice((True, 1, "1")),
}


def suggest(sampler, space, known, running, number, seed):
    spec = next(spec for spec in quorate_samplers() if spec.name == sampler)
    return Sampler(spec, {}).suggest(space, known, running, number, seed)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_what_is_suggested_lies_in_the_space_and_depends_on_what_is_known_alone(sampler):
    known: list[Trial] = []
    for number in range(14):
        params = suggest(sampler, SPACE, known, [], number, 5)
        assert holds(SPACE, params)
        assert suggest(sampler, SPACE, known, [], number, 5) == params
        value = abs(params["k"] - 4) + params["a"] / 100
        known.append(Trial(number, params, {0: FoldLoss(value, 1, (value,))}, "raced" if number % 3 else "complete", 1))
    others = [suggest(sampler, SPACE, [], [], number, 5) for number in range(14)]
    assert len({json.dumps(params) for params in others}) == 14
    assert suggest(sampler, SPACE, known, [], 14, 6) != suggest(sampler, SPACE, known, [], 14, 5)


def test_tpe_learns_and_random_does_not():
    def best(sampler, seed):
        known: list[Trial] = []
        for number in range(40):
            params = suggest(sampler, SPACE, known, [], number, seed)
            value = abs(params["k"] - 4) + abs(params["a"] - 1)
            known.append(Trial(number, params, {0: FoldLoss(value, 1, (value,))}, "complete", 1))
        return sum(sorted(trial.value for trial in known)[:10])

    assert sum(best("tpe", s) for s in range(3)) < 0.7 * sum(best("random", s) for s in range(3))


def test_values_come_back_from_optuna_as_they_were():
    for layers in ([16], [32, 16]):
        for on in (True, 1, "1"):
            params = {"a": 0.5, "k": 2, "layers": layers, "on": on}
            found = unlabelled(SPACE, frozen(quorate.EarlierTrial(0, params), SPACE).params)
            assert found == params
            assert type(found["on"]) is type(on)


@pytest.mark.parametrize(
    ("params", "inside"),
    [
        ({"a": 1.0, "k": 2, "layers": [16], "on": True}, True),
        ({"a": 1.0, "k": 0, "layers": [16], "on": True}, False),
        ({"a": 1.0, "k": 2, "layers": [8], "on": True}, False),
        ({"a": "1", "k": 2, "layers": [16], "on": True}, False),
        ({"k": 2, "layers": [16], "on": True}, False),
    ],
)
def test_whether_a_space_holds_parameters(params, inside):
    assert holds(SPACE, params) == inside


def test_a_journal_loses_a_torn_tail_and_nothing_else(tmp_path):
    journal = tmp_path / "journal.log"
    whole = b'{"op_code": 0}\n{"op_code": 1}\n'
    for tail in (b"", b"{", b'{"op_code": 4, "x"', b"\x00\x00\xff"):
        journal.write_bytes(whole + tail)
        mend(journal)
        assert journal.read_bytes() == whole


def test_a_journal_that_is_damaged_before_its_end_is_left_alone(tmp_path):
    journal = tmp_path / "journal.log"
    for text in (b'{"op_code": 0}\n{"op_\n{"op_code": 1}\n', b"[]\n", b"\n{}\n"):
        journal.write_bytes(text)
        with pytest.raises(IntegrityError, match="damaged"):
            mend(journal)
        assert journal.read_bytes() == text
