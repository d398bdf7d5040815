"""What a plugin tells of itself."""

from __future__ import annotations

import json

import pytest

from quorate.plugins.described import described
from quorate.plugins.registry import Registry
from quorate.plugins.specs import KINDS
from support.command import call, message_of


def shown(*arguments):
    done = call("plugins", "show", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_model_tells_its_parameters_space_origin_and_use():
    found = shown("lightgbm")
    assert found["kind"] == "model"
    params = {one["name"]: one for one in found["params"]}
    assert params["num_leaves"]["default"] == 8
    assert not params["num_leaves"]["required"]
    assert found["space"]["num_leaves"] == {"low": 4, "high": 32, "log": True, "whole": True}
    assert found["spec"]["task"] == "any"
    assert found["requires"] == ["lightgbm"]
    assert "quorate_plugins" in found["origin"]
    assert found["use"].startswith("[models]\nlightgbm = {")


def test_a_sampler_tells_its_options_and_how_a_sweep_takes_it():
    found = shown("tpe")
    assert (found["kind"], found["requires"]) == ("sampler", ["optuna"])
    assert [(p["name"], p["type"], p["default"]) for p in found["params"]] == [("startup", "int", 10)]
    assert found["use"] == '[tuning]\nsampler = "tpe"'
    assert shown("sobol")["spec"] == {"seeded_by": "study", "several": True}
    assert "Parzen" not in shown("random")["documentation"]
    assert call("plugins", "show", "grid").exit_code == 2  # a recipe's name, too
    assert shown("grid", "--kind", "sampler")["kind"] == "sampler"


@pytest.mark.parametrize("width", [40, 100])
def test_what_is_shown_fits_the_terminal(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    done = call("plugins", "show", "catboost")
    assert done.exit_code == 0
    assert "a sweep tries" in " ".join(done.stdout.split()) or width < 60
    assert max(map(len, done.stdout.splitlines())) <= width


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_built_in_plugin_can_be_described(kind):
    for plugin in Registry.load():
        if plugin.kind == kind:
            found = described(plugin)
            json.dumps(found, allow_nan=False)
            assert found["documentation"] or kind in ("recipe",) or plugin.spec.function.startswith("sklearn"), (
                plugin.name
            )
            assert found["use"] or kind == "metric"


def test_what_a_recipe_is_told_to_say_is_a_recipe(tmp_path):
    """The lines of a model, pasted into a recipe, are taken."""
    from quorate.runs.session import open_session

    (tmp_path / "one.toml").write_text(f'extends = "planted"\n{shown("lightgbm")["use"]}\n')
    assert "lightgbm" in open_session(tmp_path / "one.toml").recipe.models


def test_names_that_are_none_or_not_enough(tmp_path):
    assert "did you mean 'lightgbm'" in message_of(call("plugins", "show", "lightgmb"), 2)
    (tmp_path / "mine.py").write_text(
        "import quorate\n@quorate.hookimpl\ndef quorate_metrics():\n"
        "    yield quorate.MetricSpec('lightgbm', lambda performance: 1.0)\n"
    )
    told = message_of(call("plugins", "show", "lightgbm", "--plugin", tmp_path / "mine.py"), 2)
    assert "a model and a metric" in told or "a metric and a model" in told
    assert shown("lightgbm", "--kind", "metric", "--plugin", tmp_path / "mine.py")["kind"] == "metric"


def test_a_name_of_another_kind_and_a_kind_that_is_none_are_told():
    assert "there is a sampler of that name" in message_of(call("plugins", "show", "tpe", "--kind", "model"), 2)
    assert "did you mean 'model'" in message_of(call("plugins", "show", "tpe", "--kind", "modle"), 2)
    assert "a sampler and a recipe" in message_of(call("plugins", "show", "grid"), 2)
    assert "; quorate plugins lists them" in message_of(call("plugins", "show", "qqqq"), 2)


def test_parameters_are_told_with_meaning_unit_bounds_and_choices():
    by_name = {one["name"]: one for one in shown("csv")["params"]}
    assert by_name["invalid"]["choices"] == ["error", "drop"]
    assert by_name["invalid"]["takes"] == '"error" or "drop"'
    assert by_name["path"]["required"]
    assert {name: one["meaning"] for name, one in by_name.items() if not one["meaning"]} == {}
    parquet = {one["name"]: one for one in shown("parquet")["params"]}
    assert set(by_name) - set(parquet) == {"separator", "skip_rows"}
    assert ".parquet" in parquet["path"]["meaning"]
    gate = {one["name"]: one for one in shown("win-rate", "--kind", "gate")["params"]}["threshold"]
    assert (gate["takes"], gate["unit"]) == ("number (fraction), between 0 and 1", "fraction")
    assert shown("win-rate", "--kind", "gate")["contract"].startswith("A gate: ")


@pytest.mark.parametrize("width", [46, 70, 130])
def test_meanings_are_shown_once_whatever_the_width(monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    text = call("plugins", "show", "kelly").stdout
    assert max(map(len, text.splitlines())) <= width
    words = " ".join(text.replace("\n", " ").split())
    assert words.count("The largest weight.") == 1
    assert "Parameters" not in text
    assert "more than 0, 1 or less" in words or width > 100


def test_a_plugin_that_cannot_be_used_is_described_with_the_reason(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import quorate\n@quorate.hookimpl\ndef quorate_models():\n"
        "    yield quorate.ModelSpec('gone', 'no_such_module:Model', requires=('no-such-distribution',))\n"
    )
    found = shown("gone", "--plugin", tmp_path / "mine.py")
    assert found["state"] == "disabled"
    assert "no-such-distribution" in found["reason"]


def test_the_list_is_as_it_was():
    assert "lightgbm" in call("plugins", "--kind", "model").stdout
    assert json.loads(call("plugins", "--kind", "gate", "--json").stdout)[0]["kind"] == "gate"
