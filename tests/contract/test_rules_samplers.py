"""The rules of samplers: each names what breaks it, with the trial and both values, and lets sound ones pass."""

import numpy as np
import pytest

import quorate
from quorate.plugins.provider import Plugin, Provider
from quorate.testing._base import Violation, rules_in
from quorate.testing.checks import samplers
from quorate.testing.tools import searches

RULES = list(rules_in(samplers, "sampler"))


def plugin(function, **more):
    spec = quorate.SamplerSpec("one", function, **more)
    return Plugin("sampler", "one", spec, Provider("test", None, None, "test"))


def refused(name, function, **more):
    [rule] = [rule for rule in RULES if rule.name == name]
    with pytest.raises(Violation) as e:
        rule.check(plugin(function, **more))
    return e.value


def drawn(space, known, running, number, seed):
    rng = np.random.default_rng(seed)
    return {name: one.at(rng.random()) for name, one in space.items()}


def test_the_rules_are_those_of_the_contract():
    assert {rule.name for rule in RULES} == {
        "signature", "untouched", "inside", "repeat", "seeded", "goes-on", "order", "resumable",
    }  # fmt: skip
    assert not any(rule.causal for rule in RULES)
    assert all(rule.summary.endswith(".") and len(rule.summary) < 120 for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_plain_draw_keeps_them_all(rule):
    rule.check(plugin(drawn))


def test_options_are_those_that_a_sweep_would_pass():
    def one(space, known, running, number, seed, share):
        assert share == 0.25
        return drawn(space, known, running, number, seed)

    for rule in RULES:
        rule.check(plugin(one, params={"share": 0.25}))


def test_what_is_not_inside_is_told_with_the_parameter_its_range_and_the_trial():
    def one(space, known, running, number, seed):
        params = drawn(space, known, running, number, seed)
        return {**params, **({"depth": 10} if "depth" in params and number == 7 else {})}

    found = refused("inside", one)
    assert "trial 7 of numbers and choices, with 5 known and 3 running trials" in found.message
    assert "depth must be a whole number from 1 to 9; it was 10" in found.message
    assert found.example["trial"] == 7


def test_an_order_that_matters_only_between_equals_is_found():
    def one(space, known, running, number, seed):
        # The first of all that were raced: many have the same number of folds.
        worst = min((t for t in known if t.state == "raced"), key=lambda t: t.folds, default=None)
        return worst.params if worst else drawn(space, known, running, number, seed)

    assert "sorted(known" in refused("order", one).message

    def settled(space, known, running, number, seed):
        worst = min((t for t in known if t.state == "raced"), key=lambda t: (t.folds, t.number), default=None)
        return worst.params if worst else drawn(space, known, running, number, seed)

    samplers.check_sampler_order(plugin(settled))


def test_a_sum_over_what_is_known_in_its_order_is_found_by_its_last_bit():
    def one(space, known, running, number, seed):
        mean = sum(t.value for t in known) * 1e6 % 1
        return {name: o.at((np.random.default_rng(seed).random() + mean) % 1) for name, o in space.items()}

    assert refused("order", one).example["expected"] != refused("order", one).example["found"]


def test_the_history_of_a_kit_is_one_that_a_sweep_would_tell():
    """By the same schedule as a sweep's: which trials are known when another is asked."""
    from quorate.sweeps.schedule import known_to

    told = searches.study(plugin(drawn), searches.SPACES["numbers"], 30)
    for number, (asked, _) in enumerate(told):
        known, _ = known_to(number, [True] * number, 100)
        assert [t.number for t in asked.running] == list(range(known, number))
        assert max((t.number for t in asked.known), default=-1) <= known - 1
        assert [t.number for t in asked.known] == sorted(t.number for t in asked.known)
    assert {t.state for asked, _ in told for t in asked.known} == {"complete", "raced"}


def test_a_slow_sampler_is_asked_less(monkeypatch):
    asked = []

    def one(space, known, running, number, seed):
        asked.append(number)
        return drawn(space, known, running, number, seed)

    samplers.check_sampler_inside(plugin(one))
    usual = len(asked)
    monkeypatch.setattr(searches, "PATIENCE", 0.0)
    asked.clear()
    samplers.check_sampler_inside(plugin(one))
    assert len(asked) < usual / 4
