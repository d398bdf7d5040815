"""Any key of a recipe by its dotted name: what may be tuned, and the recipe that a trial is."""

from __future__ import annotations

import pytest

from quorate.errors import RecipeError
from quorate.plugins.registry import Registry
from quorate.plugins.space import Choice, Float, Int
from quorate.recipe.load import validate
from quorate.recipe.resolve import resolve
from quorate.sweeps.asked import asked_of
from quorate.sweeps.variant import variant

REGISTRY = Registry.load(environment=False)
GIVEN = {
    "data": {"source": "simulated"},
    "features": {"use": ["return_*", "zscore_20"]},
    "models": {"logistic": {}, "majority": {}, "ridge-classifier": False},
    "ensemble": {"method": "past-performance", "params": {"window": 100}},
}


def recipe(**tuning):
    table = {**GIVEN, "tuning": tuning, "models": {"logistic": {"C": 2.0}}}
    table["ensemble"] = {"method": "mean"}
    return resolve(validate(table, "given", REGISTRY), REGISTRY)[0]


def space_of(**tuning):
    [space] = asked_of(recipe(**tuning), REGISTRY).spaces.values()
    return space


def test_keys_are_named_with_dots_or_as_tables():
    dotted = {"strategy.risk.stop": {"low": 0.0, "high": 0.1}, "models.logistic.C": {"high": 5.0}}
    tables = {"strategy": {"risk": {"stop": {"low": 0.0, "high": 0.1}}}, "models": {"logistic": {"C": {"high": 5.0}}}}
    assert space_of(space=dotted) == space_of(space=tables)
    assert space_of(space=dotted)["strategy.risk.stop"] == Float(0.0, 0.1)
    assert space_of(space=dotted)["models.logistic.C"].high == 5.0


def test_what_a_key_holds_says_what_is_tried():
    space = space_of(
        models=False,
        objective="sharpe",
        space={
            "labels.horizon": {"low": 1, "high": 4},
            "features.use": [["return_*"], ["group:momentum"]],
            "threshold.default": {"low": 0.0, "high": 0.1},
        },
    )
    assert space == {
        "features.use": Choice((["return_*"], ["group:momentum"])),
        "labels.horizon": Int(1, 4),
        "threshold.default": Float(0.0, 0.1),
    }


def test_a_variant_differs_in_what_was_set_alone():
    base = recipe()
    other = variant(base, REGISTRY, {"strategy.risk.stop": 0.05, "models.logistic.C": 3.0})
    assert other.strategy.risk.stop == 0.05
    assert other.models["logistic"].options["C"] == 3.0
    restored = other.model_copy(update={"strategy": base.strategy, "models": base.models})
    assert restored == base
    assert variant(base, REGISTRY, {}) == base


def test_another_plugin_has_its_own_options():
    base = recipe()
    other = variant(base, REGISTRY, {"ensemble.method": "hedge", "strategy.name": "long-short"})
    assert other.ensemble.method == "hedge"
    assert (
        other.ensemble.params
        == resolve(
            validate({**GIVEN, "models": {"logistic": {}}, "ensemble": {"method": "hedge"}}, "x", REGISTRY), REGISTRY
        )[0].ensemble.params
    )
    table = {**GIVEN, "models": {"lightgbm": {}}, "ensemble": {"method": "mean"}}
    classes = resolve(validate(table, "given", REGISTRY), REGISTRY)[0]
    returns = variant(classes, REGISTRY, {"labels.name": "return"})
    assert returns.threshold.grid != classes.threshold.grid  # of the other unit
    assert list(returns.models) == ["lightgbm"]  # baselines are of a label's kind


def test_an_option_of_another_plugin_is_tuned_on_condition():
    key = "ensemble.params.learning_rate"
    method = {"ensemble.method": ["mean", "hedge"]}
    options = variant(recipe(), REGISTRY, {"ensemble.method": "hedge"}).ensemble.params
    name = next(iter(options))
    wanted = {"low": 0.1, "high": 1.0} if isinstance(options[name], float) else [options[name]]
    key = f"ensemble.params.{name}"
    space = space_of(models=False, space={**method, key: {**_table(wanted), "when": {"ensemble.method": "hedge"}}})
    assert set(space) == {"ensemble.method", key}
    with pytest.raises(RecipeError, match=rf"tuning.space.{key}"):
        space_of(models=False, space={**method, key: wanted})


def _table(wanted):
    return wanted if isinstance(wanted, dict) else {"values": wanted}


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("costs.fees", "costs are what the market takes"),
        ("folds.test", "inner folds of their own"),
        ("gates.headline", "must not be chosen by what is judged"),
        ("data.n_bars", "the bars are what trials are judged on"),
        ("strategy.risk.stopp", "did you mean 'stop'"),
        ("strategy.risk.stop.x", "tuning.space.strategy.risk.stop.x"),
        ("threshold.gird", "did you mean 'grid'"),
        ("labels.horizon", "losses on other labels cannot be compared"),
    ],
)
def test_keys_that_cannot_be_tuned_are_refused(key, told):
    with pytest.raises(RecipeError, match=told):
        asked_of(recipe(space={key: {"low": 1, "high": 2}}), REGISTRY)


@pytest.mark.parametrize(
    ("tuning", "told"),
    [
        ({"space": {"strategy.risk.stop": {"low": -1.0, "high": 0.1}}}, "must be greater than or equal to 0"),
        ({"space": {"ensemble.method": ["mean", "mena"]}}, "did you mean 'mean'"),
        ({"objective": "brier", "space": {"labels.horizon": {"low": 1, "high": 2}}}, "cannot be compared"),
        ({"objective": ["sharpe", "brier"], "space": {"labels.name": ["direction"]}}, "cannot be compared"),
        ({"objective": "sharpe", "models": False}, "nothing to tune"),
        ({"objective": "sharpe", "models": ["majority"]}, "nothing to tune of model 'majority'"),
        ({"objective": "sharpe", "pruner": "race"}, "compares losses bar by bar"),
        ({"objective": ["sharpe", "brier"], "pruner": "median"}, "no trial can be stopped early"),
        ({"objective": "sharpe", "stop": "noise"}, "is for a loss"),
    ],
)
def test_what_does_not_fit_is_refused(tuning, told):
    with pytest.raises(RecipeError, match=told):
        asked_of(recipe(**tuning), REGISTRY)


def test_a_baseline_takes_no_part():
    asked = asked_of(recipe(objective="sharpe"), REGISTRY)
    assert asked.whole
    assert asked.members == ["logistic"]
    assert list(asked.spaces) == ["logistic"]  # a study of one model is called after it
    assert not asked_of(recipe(), REGISTRY).whole


@pytest.mark.parametrize("url", ["postgresql://me:geheim@db/x", "mysql://me:geheim@db/x?password=geheim"])
def test_a_password_is_never_a_part_of_a_recipe(url):
    with pytest.raises(RecipeError, match=r"tuning.storage .*write \$\{NAME\}") as told:
        validate({**GIVEN, "tuning": {"storage": url}}, "given", REGISTRY)
    assert "geheim" not in str(told.value)
    validate({**GIVEN, "tuning": {"storage": "postgresql://me:${PASSWORD}@db/x"}}, "given", REGISTRY)
