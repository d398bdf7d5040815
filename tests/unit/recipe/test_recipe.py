"""Recipes: what is accepted, what is said when it is not, and what a resolved one holds."""

import datetime as dt
import textwrap
import tomllib
from collections import Counter
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.plugins.registry import Registry
from quorate.recipe import digest as provenance
from quorate.recipe.load import from_python, load_recipe, merge, nested_override, validate
from quorate.recipe.presets import PRESETS, STANDARD
from quorate.recipe.resolve import resolve, to_plain, to_toml
from quorate.runs.session import open_session

REGISTRY = Registry.load()
SIMULATED = {"source": "simulated", "n_bars": 700}
TINY = {
    "name": "tiny",
    "data": SIMULATED,
    "holdout": {"fraction": 0.2},
    "features": {"use": ["return_1", "return_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "threshold": {"min_bars": 50},
}


@pytest.fixture
def write(tmp_path):
    def write(text, name="recipe.toml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    return write


def resolved(changes=None, registry=REGISTRY):
    return resolve(validate({**TINY, **(changes or {})}, "given"), registry)[0]


def failure(table):
    with pytest.raises(quorate.RecipeError) as error:
        resolved(table)
    return str(error.value)


# --- what a label's task decides


@pytest.mark.parametrize(
    "label, members, baselines",
    [
        ("direction", {"xgboost", "logistic", "ridge"}, {"majority", "persistence"}),
        ("return", {"xgboost", "ridge"}, {"past-mean", "persistence"}),
    ],
)
def test_models_learn_the_labels_task_under_one_name_and_its_baselines_join(label, members, baselines):
    recipe = resolved({"labels": {"name": label}, "models": {name: {} for name in members}})
    assert set(recipe.models) == members | baselines
    assert all("task" not in model.options for model in recipe.models.values())


def test_an_option_that_is_left_to_the_library_makes_no_other_recipe():
    plain = resolved({"models": {"catboost": {}}})
    assert "boosting_type" not in to_plain(plain)["models"]["catboost"]
    ordered = resolved({"models": {"catboost": {"boosting_type": "Ordered"}}})
    assert to_plain(ordered)["models"]["catboost"]["boosting_type"] == "Ordered"
    assert "must" in failure({"models": {"catboost": {"boosting_type": "ordered"}}})


def test_the_grid_is_sixteen_regressions_and_ten_thresholds():
    grid = resolve(load_recipe("grid", REGISTRY), REGISTRY)[0]
    plugins = [model.plugin for name, model in grid.models.items() if name not in ("past-mean", "persistence")]
    assert Counter(plugins) == {
        "xgboost": 6,
        "random-forest": 2,
        "gradient-boosting-exact": 2,
        "ridge": 2,
        "lasso": 2,
        "lightgbm": 2,
    }
    assert grid.threshold.grid == [0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.007, 0.01]
    options = [tuple(model.model_dump().items()) for model in grid.models.values()]
    assert len({repr(one) for one in options}) == len(options)  # no two are the same model


def test_no_recipe_says_what_a_model_learns():
    assert "has no option 'task'" in failure({"models": {"xgboost": {"task": "regression"}}})


# --- what is wrong is said: the key, what it must be, what it was


UNKNOWN = {
    "in-a-table": (
        {"folds": {"intial": 5}},
        ["folds: splitter 'expanding' has no option 'intial'", "did you mean 'initial'?"],
    ),
    "at-the-top": ({"fold": {}}, ["fold: unknown key", "the top level", "did you mean 'folds'?"]),
    "extends": ({"extend": "nasdaq"}, ["extend: unknown key", "did you mean 'extends'"]),
    "far-from-any": (
        {"costs": {"zzz": 1}},
        ["costs: cost 'fixed' has no option 'zzz': it must be one of fees, slippage"],
    ),
    "option-of-the-data": (
        {"data": {**SIMULATED, "n_bar": 5}},
        ["data: source 'simulated' has no option 'n_bar'", "did you mean 'n_bars'?"],
    ),
    "parameter-of-a-model": ({"models": {"logistic": {"c": 1.0}}}, ["models.logistic", "no option 'c'", "C, max_iter"]),
    "parameter-of-a-label": ({"labels": {"params": {"abov": 0.0}}}, ["labels.params", "did you mean 'above'?"]),
    "parameter-of-a-gate": ({"gates": {"sharpe": {"treshold": 1.0}}}, ["gates.sharpe", "did you mean 'threshold'?"]),
    "parameter-of-an-ensembler": ({"ensemble": {"params": {"x": 1}}}, ["ensemble.params", "'past-performance'", "'x'"]),
    "parameter-of-a-strategy": ({"strategy": {"params": {"x": 1}}}, ["strategy.params", "'long-flat'", "'x'"]),
    "splitter": ({"folds": {"splitter": "rollin"}}, ["folds.splitter: unknown splitter", "did you mean 'rolling'?"]),
    "cost": ({"costs": {"model": "fixd"}}, ["costs.model: unknown cost", "did you mean 'fixed'?"]),
    "source": ({"data": {"source": "simulatd"}}, ["data.source: unknown source", "did you mean 'simulated'?"]),
    "label": ({"labels": {"name": "directon"}}, ["labels.name: unknown label", "did you mean 'direction'"]),
    "model": ({"models": {"logistc": {}}}, ["models.logistc: unknown model", "did you mean 'logistic'?"]),
    "model-by-alias": ({"models": {"a": {"plugin": "logistc"}}}, ["models.a: unknown model 'logistc'"]),
    "feature": ({"features": {"use": ["retrun_1"]}}, ["features.use: unknown feature", "did you mean 'return_1'"]),
    "feature-pattern": ({"features": {"use": ["nothing_*"]}}, ["features.use: unknown feature 'nothing_*'"]),
    "feature-group": ({"features": {"use": ["group:momentm"]}}, ["unknown group 'momentm'", "did you mean 'momentum'"]),
    "excluded-feature": ({"features": {"exclude": ["retrun_1"]}}, ["features.exclude: 'retrun_1'", "'return_1'"]),
    "ensembler": ({"ensemble": {"method": "meen"}}, ["ensemble.method: unknown ensembler", "did you mean 'mean'"]),
    "compared-ensembler": ({"ensemble": {"compare": ["meen"]}}, ["ensemble.compare: unknown", "did you mean 'mean'"]),
    "strategy": ({"strategy": {"name": "long-flt"}}, ["strategy.name: unknown strategy", "'long-flat'"]),
    "compared-strategy": ({"strategy": {"compare": ["long-flt"]}}, ["strategy.compare: unknown", "'long-flat'"]),
    "gate": ({"gates": {"sharp": {}}}, ["gates.sharp: unknown gate", "did you mean 'sharpe'?"]),
}


@pytest.mark.parametrize("table,parts", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_name_is_an_error_that_says_where_it_stands_and_what_is_near(table, parts):
    message = failure(table)
    assert all(part in message for part in parts), message


WRONG = {
    "text-for-a-number": ({"folds": {"initial": "1000"}}, "folds.initial must be a valid integer; it was '1000'"),
    "part-of-a-bar": ({"folds": {"initial": 99.5}}, "folds.initial must be a valid integer; it was 99.5"),
    "truth-for-a-number": ({"seed": True}, "seed: must be a valid integer; it was True"),
    "horizon-of-days": (
        {"labels": {"horizon": "5 days"}},
        """labels.horizon must be bars, 1 or more, or sessions, e.g. "5 sessions"; it was '5 days'""",
    ),
    "no-session": (
        {"labels": {"horizon": "0 sessions"}},
        'labels.horizon must be bars, 1 or more, or sessions, e.g. "5',
    ),
    "steps-of-sessions": (
        {"labels": {"horizon": "1 session", "steps": [1, 2]}},
        "labels steps count bars, and horizon",
    ),
    "below-the-least": ({"labels": {"horizon": 0}}, "labels.horizon: must be greater than or equal to 1; it was 0"),
    "above-the-most": ({"holdout": {"fraction": 1.0}}, "holdout.fraction: must be less than 1; it was 1.0"),
    "not-a-choice": (
        {"execution": {"executor": "rae"}},
        "execution.executor: must be 'auto', 'serial', 'processes' or 'ray'; it was 'rae'",
    ),
    "text-for-a-list": ({"features": {"use": "return_1"}}, "features.use: must be a valid list; it was 'return_1'"),
    "number-in-a-list": ({"features": {"use": ["return_1", 2]}}, "features.use.1: must be a valid string; it was 2"),
    "empty-list": ({"threshold": {"grid": []}}, "threshold.grid: must have at least 1 item"),
    "text-for-a-date": (
        {"holdout": {"start": "2.1.2014"}},
        "holdout.start: must be a valid date; it was '2.1.2014'",
    ),
    "name": ({"name": "Bad Name"}, "name: must match pattern"),
    "table": ({"folds": 5}, "folds: must be a table; it was 5"),
    "model": ({"models": {"logistic": 5}}, "models.logistic: must be a table or false; it was 5"),
    "model-that-is-true": ({"models": {"logistic": True}}, "models.logistic: must be a table or false; it was True"),
    "gate": ({"gates": {"sharpe": 1.0}}, "gates.sharpe: must be a table or false; it was 1.0"),
    "alias": ({"models": {"a": {"plugin": 5}}}, "models.a.plugin: must be a valid string; it was 5"),
    "two-holdouts": (
        {"holdout": {"bars": 100, "fraction": 0.2}},
        "holdout takes one of start, bars and fraction; it has bars and fraction",
    ),
    "newer-schema": ({"schema_version": 2}, "schema_version: must be 1; it was 2"),
    "data-option": ({"data": {**SIMULATED, "n_bars": "700"}}, "data.n_bars must be a valid integer; it was '700'"),
    "data-choice": (
        {"data": {"source": "bundled", "dataset": "nasdq"}},
        "data.dataset must be 'nasdaq', 'sp500' or 'indices'; it was 'nasdq'",
    ),
    "missing-option": ({"data": {"source": "csv"}}, "data: source 'csv' needs the option 'path': set data.path"),
    "model-parameter": ({"models": {"logistic": {"C": "x"}}}, "models.logistic.C must be a valid number; it was 'x'"),
    "gate-parameter": ({"gates": {"sharpe": {"threshold": "x"}}}, "gates.sharpe.threshold must be a valid number"),
    "no-model": ({"models": {}}, "models: the recipe has no usable model: name at least one, e.g. [models.logistic]"),
    "baselines-only": ({"models": {"majority": {}}}, "models: the recipe has no usable model"),
    "no-gate": ({"gates": dict.fromkeys(STANDARD, False)}, "gates: none is left"),
    "no-feature": ({"features": {"exclude": ["*"]}}, "features: none is selected"),
    "classifier-of-a-number": (
        {"labels": {"name": "return"}},
        "models.logistic is a classifier; label 'return' is a number",
    ),
}


@pytest.mark.parametrize("table,message", WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_an_error_that_names_the_key_what_it_must_be_and_what_it_was(table, message):
    assert message in failure(table)


def test_all_that_is_wrong_is_said_at_once():
    message = failure({"labels": {"horizon": 0}, "seeds": 1, "backtest": {"capital": "5k"}})
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == [
        "backtest.capital",
        "labels.horizon",
        "seeds",
    ]


def test_whole_numbers_serve_where_a_number_is_asked_for():
    costs = resolved({"costs": {"fees": 0, "slippage": 0}}).costs
    assert (costs.fees, type(costs.fees)) == (0.0, float)


# --- files and names


def test_a_recipe_is_found_by_name_and_by_path(write):
    assert load_recipe("planted", REGISTRY).name == "planted"
    assert load_recipe(write('name = "mine"'), REGISTRY).name == "mine"


def test_an_unknown_recipe_is_told_with_its_near_misses():
    with pytest.raises(quorate.RecipeError, match=r"unknown recipe 'nasdq'.*did you mean 'nasdaq'\?.*\./nasdq\.toml"):
        load_recipe("nasdq", REGISTRY)


def test_an_absent_recipe_file_is_named_with_the_built_in_recipes(tmp_path):
    with pytest.raises(quorate.RecipeError, match=r"there is no recipe file .*absent\.toml.*nasdaq"):
        load_recipe(tmp_path / "absent.toml", REGISTRY)


@pytest.mark.parametrize(
    "content,message",
    [
        (b"a = [1", "is not valid TOML"),
        (b"name = '\xff'", "cannot read recipe"),
        (b"a = 1\na = 2", "is not valid TOML"),
    ],
    ids=["syntax", "not-utf-8", "key-twice"],
)
def test_a_file_that_is_no_toml_is_named(tmp_path, content, message):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(quorate.RecipeError) as error:
        load_recipe(path, REGISTRY)
    assert message in str(error.value)
    assert str(path) in str(error.value)


# --- extends


def test_a_recipe_overrides_what_it_extends_and_keeps_the_rest(write):
    write('name = "a"\nseed = 1\n[folds]\ninitial = 300\ntest = 100\n[models.logistic]\nC = 0.5\n', "a.toml")
    write('extends = "a.toml"\nname = "b"\n[folds]\ntest = 50\n[models.ridge]\n', "b.toml")
    c = load_recipe(write('extends = "b.toml"\nname = "c"\nseed = 3\n', "c.toml"), REGISTRY)
    assert (c.name, c.seed, c.folds.initial, c.folds.test) == ("c", 3, 300, 50)
    assert set(c.models) == {"logistic", "ridge"}
    assert c.models["logistic"].options == {"C": 0.5}


def test_a_recipe_extends_a_built_in_one_by_its_name(write):
    recipe = load_recipe(write('extends = "noise"\nname = "mine"\n'), REGISTRY)
    assert (recipe.name, recipe.data.source, recipe.data.options["signal"]) == ("mine", "simulated", 0.0)


def test_what_is_extended_is_found_beside_the_recipe(write):
    write("seed = 11", "shared/base.toml")
    assert load_recipe(write('extends = "../shared/base.toml"', "mine/r.toml"), REGISTRY).seed == 11


@pytest.mark.parametrize("length", [1, 2, 3])
def test_recipes_that_extend_each_other_in_a_circle_are_an_error_naming_the_circle(write, length):
    for i in range(length):
        path = write(f'extends = "r{(i + 1) % length}.toml"', f"r{i}.toml")
    with pytest.raises(quorate.RecipeError, match="extends itself: ") as error:
        load_recipe(path, REGISTRY)
    assert all(f"r{i}.toml" in str(error.value) for i in range(length))


def test_extends_must_be_a_name(write):
    with pytest.raises(quorate.RecipeError, match="extends must be the name or path of a recipe; it was 3"):
        load_recipe(write("extends = 3"), REGISTRY)


def test_plugin_files_are_found_beside_the_recipe(write):
    path = write('plugins = ["mine.py"]', "there/r.toml")
    assert load_recipe(path, REGISTRY).plugins == [str(path.parent / "mine.py")]


# --- merging


def test_another_source_starts_without_the_options_of_the_old_one():
    base = {"data": {"source": "bundled", "dataset": "sp500"}}
    assert merge(base, {"data": {"source": "csv", "path": "x"}}, "")["data"] == {"source": "csv", "path": "x"}


def test_rates_are_no_plugins_and_stay_with_another_one():
    base = {
        "data": {"source": "bundled", "dataset": "sp500", "cash": 0.04},
        "costs": {"model": "fixed", "fees": 0.001, "borrow": {"covariate": "repo", "percent": True}, "funding": 0.01},
    }
    over = {"data": {"source": "csv", "path": "x"}, "costs": {"model": "range", "funding": "perp"}}
    made = merge(base, over, "")
    assert made["data"] == {"source": "csv", "path": "x", "cash": 0.04}
    assert made["costs"] == {
        "model": "range",
        "borrow": {"covariate": "repo", "percent": True},
        "funding": "perp",
    }
    assert merge(base, {"data": {"source": "csv", "cash": 0.0}}, "")["data"] == {"source": "csv", "cash": 0.0}


def test_the_same_source_keeps_its_options():
    base = {"data": {"source": "simulated", "n_bars": 700, "seed": 1}}
    over = {"data": {"source": "simulated", "seed": 2}}
    assert merge(base, over, "")["data"] == {"source": "simulated", "n_bars": 700, "seed": 2}


def test_another_plugin_under_a_model_name_starts_without_the_old_parameters():
    base = {"models": {"a": {"plugin": "logistic", "C": 0.1}}}
    over = {"models": {"a": {"plugin": "ridge"}}}
    assert merge(base, over, "")["models"]["a"] == {"plugin": "ridge"}


@pytest.mark.parametrize("override", ["holdout.bars=100", "holdout.start=2005-01-03", "holdout.fraction=0.5"])
def test_a_holdout_given_in_another_way_replaces_the_old_one(override):
    holdout = load_recipe("planted", REGISTRY, [override]).holdout
    assert list(holdout.model_dump(exclude_none=True)) == [override[len("holdout.") :].split("=")[0]]


def test_merging_leaves_both_tables_as_they_were():
    base, over = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merge(base, over, "") == {"a": {"b": 1, "c": 2}}
    assert (base, over) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_false_takes_a_model_or_a_gate_away_and_a_table_brings_it_back(write):
    write('extends = "planted"\n[models]\nlogistic = false\n[gates]\nwin-rate = false\n', "less.toml")
    less = resolve(load_recipe(write('extends = "less.toml"', "a.toml"), REGISTRY), REGISTRY)[0]
    assert "logistic" not in less.models
    assert "win-rate" not in less.gates.judging
    assert "sharpe" in less.gates.judging
    more = resolve(load_recipe(write('extends = "less.toml"\n[models.logistic]\n', "b.toml"), REGISTRY), REGISTRY)[0]
    assert "logistic" in more.models


@pytest.mark.parametrize("gates", [{}, {"sharpe": {"threshold": 2.0}}], ids=["none-named", "one-named"])
def test_naming_a_gate_leaves_the_other_standard_gates_in_place(gates):
    recipe = resolved({"gates": gates})
    assert set(recipe.gates.judging) == set(STANDARD)
    assert recipe.gates.judging["sharpe"]["threshold"] == (2.0 if gates else 1.0)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_says_what_is_judged_and_how_strictly(preset):
    recipe = resolved({"gates": {"preset": preset, "selection": {"size": 0.04}, "win-rate": False}})
    judging = recipe.gates.judging
    assert set(judging) == {*PRESETS[preset], "selection"} - {"win-rate"}
    assert judging["selection"] == {"size": 0.04}
    assert resolve(recipe, REGISTRY)[0].gates.judging.keys() - judging.keys() == {"win-rate"}
    assert validate(tomllib.loads(to_toml(recipe, REGISTRY)), "again").gates.judging == judging


def test_an_unknown_preset_is_told_what_there_is():
    with pytest.raises(quorate.RecipeError, match=r"gates.preset: .*'headline', 'standard' or 'strict'.*'standart'"):
        resolved({"gates": {"preset": "standart"}})


def test_false_takes_a_gate_of_a_plugin_file_away(write):
    gate = """
        import quorate

        @quorate.hookimpl
        def quorate_gates():
            yield quorate.GateSpec("mine", lambda evidence: quorate.judge("mine", 1.0, ">", 0.0))
    """
    registry = Registry.load([write(gate, "mine.py")])
    assert "mine" in resolved(registry=registry).gates.judging
    assert "mine" not in resolved({"gates": {"mine": False}}, registry).gates.judging


def test_false_takes_a_baseline_away():
    assert "majority" in resolved().models
    assert "majority" not in resolved({"models": {"logistic": {}, "majority": False}}).models


def test_a_table_cannot_become_a_value(write):
    with pytest.raises(quorate.RecipeError, match="--set: folds is a table; it cannot be set to 5"):
        load_recipe("planted", REGISTRY, ["folds=5"])


# --- --set


VALUES = {
    "whole-number": ("a=5", 5),
    "number": ("a=0.5", 0.5),
    "exponent": ("a=1e-3", 0.001),
    "truth": ("a=true", True),
    "quoted": ("a='5'", "5"),
    "list": ("a=[1, 2]", [1, 2]),
    "list-of-texts": ('a=["x", "y"]', ["x", "y"]),
    "table": ("a={b = 1}", {"b": 1}),
    "date": ("a=2014-01-02", dt.date(2014, 1, 2)),
    "bare-word": ("a=ray", "ray"),
    "path": ("a=/tmp/b c.csv", "/tmp/b c.csv"),
    "with-an-equals-sign": ("a=x=y", "x=y"),
    "variable": ("a=${HOME}/x", "${HOME}/x"),
    "nothing": ("a=", ""),
}


@pytest.mark.parametrize("item,value", VALUES.values(), ids=VALUES)
def test_an_override_is_read_as_toml_or_else_as_text(item, value):
    found = nested_override(item)["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_dotted_key_reaches_into_tables():
    assert nested_override("models.random-forest.max_depth=3") == {"models": {"random-forest": {"max_depth": 3}}}


@pytest.mark.parametrize("item", ["folds.test", "=5", " =5", ""])
def test_an_override_without_key_or_value_says_how_it_is_written(item):
    with pytest.raises(quorate.RecipeError, match=r"--set takes key=value.*e\.g\. --set folds\.test=100"):
        load_recipe("planted", REGISTRY, [item])


def test_overrides_win_over_the_recipe_and_the_last_one_wins(write):
    write("seed = 1\n[folds]\ntest = 10\ninitial = 300\n", "base.toml")
    path = write('extends = "base.toml"\n[folds]\ntest = 20\n')
    recipe = load_recipe(path, REGISTRY, ["folds.test=30", "folds.test=40", "holdout.start=2001-02-03"])
    assert (recipe.folds.test, recipe.folds.initial, recipe.seed) == (40, 300, 1)
    assert recipe.costs.model == "fixed"
    assert recipe.holdout.start == dt.date(2001, 2, 3)


def test_an_override_is_validated_like_the_recipe():
    with pytest.raises(quorate.RecipeError, match=r"labels\.horizn: unknown key.*did you mean 'horizon'"):
        load_recipe("planted", REGISTRY, ["labels.horizn=5"])


@pytest.mark.parametrize("first", [0, 1], ids=["option-first", "plugin-first"])
def test_an_option_given_with_its_plugin_counts_in_any_order(first):
    items = ["folds.train=500", "folds.splitter=rolling"]
    folds = load_recipe("planted", REGISTRY, items if first == 0 else items[::-1]).folds
    assert (folds.splitter, folds.options) == ("rolling", {"train": 500})


def test_a_mapping_may_extend_a_recipe():
    session = open_session({"extends": "planted", "folds": {"test": 99}, "costs": {"model": "range"}})
    assert session.recipe.folds.options == {"initial": 1000, "test": 99}
    assert session.recipe.costs.options == {"fees": 0.0005, "share": 0.02, "window": 20, "most": 0.05}
    with pytest.raises(quorate.RecipeError, match="extends must be the name or path of a recipe; it was 5"):
        open_session({"extends": 5})


def test_overrides_of_a_mapping_are_refused():
    with pytest.raises(quorate.RecipeError, match="overrides apply to a recipe given by name or path"):
        open_session(TINY, overrides=["folds.test=50"])


# --- what is no recipe, whatever it is

DEEP = "is nested|must not be nested more than 32 deep"
SHAPELESS = {
    "arrays": ("x = " + "[" * 900 + "]" * 900, DEEP),
    "tables": ("[data" + ".a" * 900 + "]", DEEP),
    "inline-tables": ("x = " + "{a = " * 900 + "1" + "}" * 900, DEEP),
    "a-long-number": ("seed = " + "9" * 4301, "has a number that is too long"),
    "itself": ('extends = "./recipe.toml"', "extends itself"),
    "no-text": ('description = "\\uD800"', "is not valid TOML"),
}


@pytest.mark.parametrize("text, match", SHAPELESS.values(), ids=SHAPELESS)
def test_a_file_that_is_no_recipe_is_refused_in_a_line(write, text, match):
    with pytest.raises(quorate.RecipeError, match=match) as told:
        load_recipe(write(text), REGISTRY)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    "override, match",
    [
        ("a" + ".a" * 3000 + "=1", DEEP),
        ("data" + ".a" * 3000 + "=1", DEEP),
        ("data.x=" + "[" * 5000 + "]" * 5000, DEEP),
        ("seed=" + "9" * 5000, "--set seed has a number that is too long"),
        ("data.path=\udcff.csv", r"'\\udcff.csv' holds bytes that are no text in UTF-8"),
    ],
    ids=["dots", "dots-in-data", "arrays", "a-long-number", "half-a-character"],
)
def test_an_override_that_is_no_value_is_refused_in_a_line(override, match):
    with pytest.raises(quorate.RecipeError, match=match):
        load_recipe("noise", REGISTRY, [override])


def test_a_chain_of_recipes_has_an_end(tmp_path):
    for i in range(200):
        (tmp_path / f"c{i}.toml").write_text(f'extends = "./c{i + 1}.toml"\n')
    with pytest.raises(quorate.RecipeError, match=r"c0\.toml extends .* more than 50 times"):
        load_recipe(tmp_path / "c0.toml", REGISTRY)


@pytest.mark.parametrize("name", ["x" * 300, "./" + "x" * 300 + ".toml", "a\0b"])
def test_a_name_that_no_file_can_have_is_no_recipe(name):
    with pytest.raises(quorate.RecipeError, match="recipe"):
        load_recipe(name, REGISTRY)


@pytest.mark.parametrize("recipe", [None, 5, 1.5, ["noise"]])
def test_what_is_no_recipe_at_all_is_refused(recipe):
    with pytest.raises(quorate.RecipeError, match="a recipe is given by its name, its path or as a mapping; it was"):
        open_session(recipe)


def test_a_table_within_itself_is_refused():
    table = {**TINY}
    table["data"] = {"source": "simulated", "x": table}
    with pytest.raises(quorate.RecipeError, match=DEEP):
        open_session(table)


# --- models and features


def test_a_plugin_serves_under_other_names_each_with_its_own_parameters():
    recipe = resolved({"models": {"soft": {"plugin": "logistic", "C": 0.005}, "hard": {"plugin": "logistic"}}})
    assert (recipe.models["soft"].plugin, recipe.models["soft"].options["C"]) == ("logistic", 0.005)
    assert recipe.models["hard"].options == resolved().models["logistic"].options
    assert "logistic" not in recipe.models


FEATURES = {
    "name": (["return_5"], [], {"return_5"}),
    "pattern": (["return_?"], [], {"return_1", "return_2", "return_5"}),
    "several": (["rsi_5", "return_1", "rsi_*"], [], {"rsi_5", "rsi_14", "return_1"}),
    "less-a-name": (["return_?"], ["return_2"], {"return_1", "return_5"}),
    "less-a-pattern": (["return_?", "rsi_5"], ["return_*"], {"rsi_5"}),
}


@pytest.mark.parametrize("use,exclude,expected", FEATURES.values(), ids=FEATURES)
def test_features_are_selected_by_name_and_pattern(use, exclude, expected):
    recipe = resolved({"features": {"use": use, "exclude": exclude}})
    assert recipe.features.use == sorted(expected)
    assert recipe.features.exclude == []


def test_features_are_selected_by_group():
    everything = [REGISTRY.get("feature", n) for n in REGISTRY.names("feature")]
    momentum = {s.name for s in everything if s.group == "momentum"}
    assert set(resolved({"features": {"use": ["group:momentum"]}}).features.use) == momentum
    rest = resolved({"features": {"use": ["*"], "exclude": ["group:momentum"]}}).features.use
    assert set(rest) == {s.name for s in everything} - momentum


JOINING = """
import quorate

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("mine", "sklearn.dummy:DummyClassifier", params={"strategy": "prior"})

@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("mine_too", lambda close: close / close)
"""


def test_models_and_features_of_a_plugin_file_join_unasked(write):
    registry = Registry.load([write(JOINING, "mine.py")])
    recipe = resolved(registry=registry)
    assert recipe.models["mine"].options["strategy"] == "prior"
    assert recipe.features.use == ["mine_too", "return_1", "return_5"]


@pytest.mark.parametrize(
    "changes,models",
    [
        ({"mine": {"strategy": "uniform"}}, {"mine": "uniform"}),
        ({"other": {"plugin": "mine"}}, {"other": "prior"}),
        ({"mine": False}, {}),
    ],
    ids=["with-parameters", "under-another-name", "taken-away"],
)
def test_a_model_of_a_plugin_file_that_the_recipe_names_is_taken_as_named(write, changes, models):
    registry = Registry.load([write(JOINING, "mine.py")])
    recipe = resolved({"models": {"logistic": {}, **changes}}, registry)
    assert {n: m.options["strategy"] for n, m in recipe.models.items() if m.plugin == "mine"} == models


def test_a_feature_of_a_plugin_file_can_be_excluded(write):
    registry = Registry.load([write(JOINING, "mine.py")])
    assert resolved({"features": {"use": ["return_1"], "exclude": ["mine_too"]}}, registry).features.use == ["return_1"]


# --- the resolved recipe


LESS = ["models.majority=false", "gates.win-rate=false", "features.exclude=['rsi_*']", "threshold.grid=[0.1]"]


@pytest.mark.parametrize("overrides", [[], LESS], ids=["as-it-is", "with-things-taken-away"])
@pytest.mark.parametrize("name", ["indices", "nasdaq", "noise", "planted", "sp500"])
def test_a_resolved_recipe_read_back_resolves_to_itself(write, name, overrides):
    once = resolve(load_recipe(name, REGISTRY, overrides), REGISTRY)[0]
    text = to_toml(once, REGISTRY)
    again = resolve(load_recipe(write(text), REGISTRY), REGISTRY)[0]
    assert again == once
    assert to_toml(again, REGISTRY) == text
    assert provenance.recipe_digest(again, REGISTRY) == provenance.recipe_digest(once, REGISTRY)


def test_a_resolved_recipe_says_everything_that_will_run():
    recipe = resolve(load_recipe("nasdaq", REGISTRY), REGISTRY)[0]
    assert len(recipe.features.use) >= 40
    assert len(recipe.threshold.grid) == 10
    assert recipe.threshold.default is not None
    assert recipe.gates.judging["sharpe"] == {"threshold": 1.0}
    assert recipe.models["logistic"].options
    assert {"majority", "persistence"} <= set(recipe.models)
    assert recipe.data.options == {"dataset": "nasdaq"}


def test_what_cannot_change_a_result_is_not_in_the_digest():
    digest = provenance.recipe_digest(resolved(), REGISTRY)
    same = {"name": "other", "description": "words", "execution": {"executor": "ray", "workers": 2}}
    assert provenance.recipe_digest(resolved(same), REGISTRY) == digest


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"folds": {"initial": 300, "test": 99}},
        {"data": {**SIMULATED, "seed": 1}},
        {"models": {"logistic": {"C": 0.3}}},
        {"gates": {"sharpe": {"threshold": 0.9}}},
        {"costs": {"fees": 0.001}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_can_change_a_result_is_in_the_digest(change):
    assert provenance.recipe_digest(resolved(change), REGISTRY) != provenance.recipe_digest(resolved(), REGISTRY)


def test_the_text_of_a_plugin_file_is_in_the_digest(write):
    digests = set()
    for text in (JOINING, JOINING + "\n# edited\n"):
        registry = Registry.load([write(text, "mine.py")])
        digests.add(provenance.recipe_digest(resolved(registry=registry), registry))
    assert len(digests) == 2


def test_the_built_in_recipes_are_described_and_named_like_their_files():
    for name in REGISTRY.names("recipe"):
        recipe = load_recipe(name, REGISTRY)
        assert recipe.name == name
        assert recipe.description


def test_a_password_in_a_url_is_masked():
    recipe = resolved({"data": {"source": "csv", "path": "db://me:hunter2@host/bars"}})
    assert "hunter2" not in to_toml(recipe, REGISTRY)
    assert to_plain(recipe)["data"]["path"] == "db://me:***@host/bars"


def test_a_variable_outside_data_is_refused():
    told = failure({"ensemble": {"method": "${METHOD}"}})
    where = "[data], [covariates], [benchmark], [factors], [alerts] and tuning.storage alone"
    assert f"{where} take ${{NAME}} from the environment" in told
    assert "it stands in ensemble" in told


def test_a_date_of_the_recipe_may_be_a_toml_date():
    recipe, _ = resolve(load_recipe("planted", REGISTRY, ["data.start=2005-01-03"]), REGISTRY)
    assert str(recipe.data.options["start"]) == "2005-01-03"


def test_a_model_under_a_name_of_its_own_can_be_left_out(write):
    write(
        """
        [models.logistic]
        [models.big]
        plugin = "xgboost"
        n_estimators = 500
    """,
        "base.toml",
    )
    child = write('extends = "base.toml"\n[models]\nbig = false\n', "child.toml")
    assert "big" not in load_recipe(child, REGISTRY).models
    assert "big" not in load_recipe(write("", "x.toml").with_name("base.toml"), REGISTRY, ["models.big=false"]).models


# --- values given from Python


def test_values_of_numpy_pandas_and_pathlib_are_taken_where_they_mean_the_right_thing(tmp_path):
    given = {
        **TINY,
        "data": {"source": "simulated", "n_bars": np.int64(500), "signal": np.float32(0.5), "seed": np.int8(3)},
        "holdout": {"start": pd.Timestamp("2020-02-25")},
        "features": {"use": np.array(["return_1", "return_5"])},
        "folds": {"initial": np.int32(200), "test": np.uint16(50)},
    }
    session = open_session(given, home=tmp_path)
    plain = {
        **TINY,
        "data": {"source": "simulated", "n_bars": 500, "signal": 0.5, "seed": 3},
        "holdout": {"start": dt.date(2020, 2, 25)},
        "features": {"use": ["return_1", "return_5"]},
        "folds": {"initial": 200, "test": 50},
    }
    assert to_plain(session.recipe) == to_plain(open_session(plain, home=tmp_path).recipe)


@pytest.mark.parametrize(
    "given, plain",
    [
        (np.datetime64("2020-02-25", "ns"), dt.date(2020, 2, 25)),
        (pd.Timestamp("2020-02-25", tz="UTC"), dt.date(2020, 2, 25)),
        (pd.Timedelta("1h"), "3600s"),
        (ZoneInfo("Europe/Berlin"), "Europe/Berlin"),
        (pd.Index(["A", "B"]), ["A", "B"]),
    ],
)
def test_what_python_has_for_times_and_names_is_as_toml_would_write_it(given, plain):
    assert from_python({"x": given}) == {"x": plain}


@pytest.mark.parametrize("missing", [pd.NaT, np.datetime64("NaT")])
def test_a_time_that_is_missing_is_refused(missing):
    with pytest.raises(quorate.RecipeError, match=r"a time that is missing \(NaT\)"):
        from_python({"holdout": {"start": missing}})


@pytest.mark.parametrize(
    "start", ["2020-02-25", dt.date(2020, 2, 25), np.datetime64("2020-02-25"), dt.datetime(2020, 2, 25)]
)
def test_a_date_may_be_given_as_any_date_is(start, tmp_path):
    session = open_session({**TINY, "holdout": {"start": start}}, home=tmp_path)
    assert session.recipe.holdout.start == dt.date(2020, 2, 25)


def test_a_text_that_is_no_date_is_an_error(tmp_path):
    with pytest.raises(quorate.RecipeError, match=r"holdout\.start: must be a valid date; it was '25\.2\.2020'"):
        open_session({**TINY, "holdout": {"start": "25.2.2020"}}, home=tmp_path)


def test_a_path_is_a_path(tmp_path):
    given = {**TINY, "data": {"source": "csv", "path": tmp_path / "b.csv"}}
    assert open_session(given, home=tmp_path).recipe.data.options["path"] == str(tmp_path / "b.csv")


# --- what was probably meant


@pytest.mark.parametrize(
    "override, said",
    [
        ("costs.fees=0.5%", "costs.fees must be a valid number; it was '0.5%'; did you mean 0.005?"),
        ("costs.fees=5bps", "did you mean 0.0005?"),
        ("costs.fees=0,5", "did you mean 0.5?"),
        ("costs.fees=.5 %", "did you mean 0.005?"),
        ("costs.fees=1e", "a number stands alone, without a unit, e.g. 1"),
        ('costs.fees="0.001"', "did you mean 0.001?"),
        ("labels.horizon=5m", "a number stands alone, without a unit, e.g. 5"),
        ("labels.horizon=5.0", "did you mean 5?"),
        ("labels.horizon=0.5%", "a number stands alone"),
        ("backtest.capital=100k", "did you mean 100000?"),
        ("backtest.capital=$1,000,000", "did you mean 1000000?"),
        ("backtest.capital=1 000 000", "did you mean 1000000?"),
        ("backtest.capital=-5%", "did you mean -0.05?"),
        ("backtest.capital=much", "it was 'much'"),
        ("holdout.fraction=20%", "did you mean 0.2?"),
        ("holdout.start=2014/01/02", "did you mean 2014-01-02?"),
        ("holdout.start=2.1.2014", "did you mean 2014-01-02?"),
        ("holdout.start=2014", "did you mean 2014-01-01?"),
        ("execution.cache=no", "did you mean false?"),
        ("execution.cache=True", "did you mean true?"),
        ("features.use=return_1,return_5", 'did you mean ["return_1", "return_5"]?'),
        ("features.use=return_*", 'did you mean ["return_*"]?'),
        ("threshold.grid=0.01", "did you mean [0.01]?"),
        ("description=5", 'did you mean "5"?'),
    ],
)
def test_a_value_of_the_wrong_type_is_told_with_what_was_probably_meant(write, override, said):
    path = write('extends = "planted"')
    with pytest.raises(quorate.RecipeError) as error:
        resolve(load_recipe(path, REGISTRY, [override]), REGISTRY)
    assert said in str(error.value)


def test_thousands_in_toml_are_numbers(write):
    assert load_recipe(write('extends = "planted"'), REGISTRY, ["seed=10_000"]).seed == 10_000


def test_a_list_of_models_is_told_with_the_table_that_it_stands_for():
    with pytest.raises(quorate.RecipeError, match=r"models: must be a table.*did you mean \{ mlp = \{\} \}\?"):
        validate({"models": ["mlp"]}, "given")


@pytest.mark.parametrize(
    "override, said",
    [
        ("fees=0.1", "did you mean 'features', or costs.fees?"),
        ("strategy.fees=0.1", "did you mean costs.fees?"),
        ("folds.horizon=3", "has no option 'horizon': it must be one of initial, test; did you mean labels.horizon?"),
        ("stop=0.1", "did you mean strategy.risk.stop or tuning.stop?"),
        ("data.path=bars.csv", "have it: --set data.source=csv"),
        ("data.path=bars.parquet", "have it: --set data.source=parquet"),
        ("folds.anchor=2001-01-01", "splitter anchored has it: --set folds.splitter=anchored"),
        ("strategy.params.k=3", "strategies top-k, dollar-neutral have it: --set strategy.name=top-k"),
    ],
)  # fmt: skip
def test_a_key_in_the_wrong_table_is_told_with_the_right_one(write, override, said):
    path = write('extends = "planted"')
    with pytest.raises(quorate.RecipeError) as error:
        resolve(load_recipe(path, REGISTRY, [override]), REGISTRY)
    assert said in str(error.value)


@pytest.mark.parametrize(
    "given, said",
    [
        ("mine.tom", "there is no recipe file {}/mine.tom: .*did you mean {}/mine.toml\\?"),
        ("mine.tolm", "did you mean {}/mine.toml\\?"),
        ("mine", "did you mean {}/mine.toml\\?"),
        ("other.yaml", "there is no recipe file {}/other.yaml: built-in recipes are .*sp500$"),
        ("", "{} is a folder; a recipe is a file: it holds {}/mine.toml"),
        ("bars.csv", "bars.csv is no recipe but a file of bars: quorate init {}/bars.csv writes a recipe"),
        ("mine.py", "mine.py is no recipe but a plugin: quorate run nasdaq --plugin"),
    ],
)
def test_a_path_that_is_no_recipe_is_told_with_what_it_is_or_what_is_near(write, tmp_path, given, said):
    write("", "mine.toml"), write("a,b", "bars.csv"), write("", "mine.py")
    with pytest.raises(quorate.RecipeError, match=said.replace("{}", str(tmp_path))):
        load_recipe(tmp_path / given, REGISTRY)


def test_a_name_beside_whose_file_one_stands_is_told_the_file(write, tmp_path, monkeypatch):
    write("", "mine.toml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(quorate.RecipeError, match=r"unknown recipe 'mine'.*Did you mean the file mine.toml\?"):
        load_recipe("mine", REGISTRY)


@pytest.mark.parametrize("calibration", ["bar-rank", "bar-z-score"])
@pytest.mark.parametrize("label", ["rank", "return", "neutral-return"])
def test_an_interval_is_around_forecasts_in_the_unit_of_the_label(calibration, label):
    """Errors of places within the bar against returns have no meaning, however well they cover."""
    table = {
        "labels": {"name": label},
        "models": {"logistic": False, "ridge": {}},
        "ensemble": {"method": "mean", "compare": [], "interval": "split", "calibration": calibration},
    }
    if (calibration, label) == ("bar-rank", "rank"):
        assert resolved(table).ensemble.interval == "split"
        return
    with pytest.raises(quorate.RecipeError, match="interval is around forecasts in units of the label"):
        resolved(table)
    assert resolved({**table, "ensemble": {**table["ensemble"], "calibration": "z-score"}}).ensemble.interval == "split"
