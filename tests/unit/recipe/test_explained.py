"""What is told of each key of a recipe: complete, in words, and harmless to the recipe that it stands in."""

from __future__ import annotations

import datetime as dt
import tomllib

import pytest

import quorate
from quorate.plugins.documented import as_toml, documented, in_words
from quorate.plugins.registry import Registry
from quorate.recipe.explained import explain, options, tables
from quorate.recipe.load import validate
from quorate.recipe.resolve import resolve, to_plain, to_toml
from quorate.recipe.schema import Alerts, Benchmark, Covariate, Factors, Recipe, Told
from quorate.runs.session import open_session
from support.command import call, message_of

TABLES = {".".join(table.path): table for table in tables()}
BUILT_IN = ("source", "label", "splitter", "ensembler", "strategy", "cost", "gate", "sampler", "model", "metric")


def test_every_table_and_key_of_the_schema_is_told_with_meaning_and_what_it_takes():
    def keys(model, above=""):
        for name, field in model.model_fields.items():
            if hasattr(field.annotation, "model_fields"):
                assert f"{above}{name}" in TABLES
                keys(field.annotation, f"{above}{name}.")
            elif above or name not in ("models", "covariates", "benchmark", "factors", "alerts"):
                told = {key.name: key for key in TABLES[above.rstrip(".")].keys}[name]
                assert told.meaning.endswith("."), f"{above}{name}"
                assert told.takes, f"{above}{name}"

    keys(Recipe)
    beside = (("covariates.NAME", Covariate), ("benchmark", Benchmark), ("factors", Factors))
    for path, model in (*beside, ("alerts", Alerts), ("alerts.NAME", Told)):
        assert {key.name for key in TABLES[path].keys} == {*model.model_fields}
        assert all(key.takes and key.meaning.endswith(".") for key in TABLES[path].keys)
    assert all(table.text for table in TABLES.values())


def test_types_units_bounds_and_defaults_are_those_of_the_schema():
    found = {f"{path}.{key.name}": key for path, table in TABLES.items() for key in table.keys}
    assert found["labels.horizon"].takes == "whole number, 1 or more or text"
    assert found["holdout.fraction"].takes == "number (share), 0 or more, less than 1"
    assert found["tuning.folds"].takes == "whole number, 2 to 100"
    assert found["tuning.level"].takes == "number (probability), between 0 and 0.5"
    assert found["tuning.objective"].takes == "text or list of texts"
    assert found["tuning.models"].takes == "list of texts or false"
    assert found["ensemble.calibration"].takes == '"none", "isotonic", "platt", "z-score", "bar-rank" or "bar-z-score"'
    assert found["execution.fit_memory"].takes == "number (GiB), 0 or more"
    assert found["data.since"][1:3] == ("date", "")
    assert found["features.use"].default == '["*"]'


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_option_of_a_built_in_plugin_has_a_meaning(kind):
    for plugin in Registry.load(environment=False):
        if plugin.kind == kind and plugin.provider.distribution == "quorate":
            bare = [key.name for key in options(plugin.spec) if not key.meaning or not key.takes]
            assert bare == [], f"{plugin.kind} {plugin.name}"


@pytest.mark.parametrize("name", ["nasdaq", "planted", "grid", "indices"])
@pytest.mark.parametrize("width", [20, 60, 200])
def test_an_explained_recipe_is_the_same_recipe(name, width):
    session = open_session(name)
    text = explain(session.recipe, session.registry, width)
    assert tomllib.loads(text) == tomllib.loads(to_toml(session.recipe, session.registry))
    again, _ = resolve(validate(tomllib.loads(text), "explained"), session.registry)
    assert to_plain(again) == to_plain(session.recipe)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert max(map(len, comments)) <= min(max(width, 40), 100)
    lines = text.splitlines()
    above = lines[: lines.index("horizon = 1")][-15:]
    assert "How far ahead of the fill" in " ".join(above)
    assert lines[lines.index("[labels.params]") - 1] == "# Options of the label."


def test_what_is_not_set_and_what_is_not_the_default_are_told():
    done = call(
        "recipe", "show", "planted", "--explain", "--set", "folds.initial=700", "--set", "data.until=2010-01-04"
    )
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert "# since is not set: First session that is used" in text
    assert "until is not set" not in text
    assert "# How many the first fold trains on. [whole number (bars)] Default: 1000.\ninitial = 700" in text
    assert "# How many a fold predicts. [whole number (bars)]\ntest = 250" in text
    assert tomllib.loads(text)["folds"]["initial"] == 700


def test_what_a_plugin_says_of_its_options_stays_in_comments(tmp_path):
    (tmp_path / "odd.py").write_text(
        'import quorate\n\ndef bars(odd: str = "a"):\n    """Bars.\n\n    Parameters\n    ----------\n    odd : str\n'
        '        First [data]\\n\n        \\x1b[31mseed = 3\\u2028source = "csv"\n    """\n\n'
        "@quorate.hookimpl\ndef quorate_sources():\n    yield quorate.SourceSpec('odd', bars)\n"
        "@quorate.hookimpl\ndef quorate_models():\n"
        "    yield quorate.ModelSpec('two', lambda: None, description='one\\n[data]\\nx = 5')\n"
    )
    session = open_session({"extends": "planted", "data": {"source": "odd"}}, plugins=[tmp_path / "odd.py"])
    assert "two" in session.recipe.models
    text = explain(session.recipe, session.registry, 80)
    assert tomllib.loads(text) == tomllib.loads(to_toml(session.recipe, session.registry))
    assert "\x1b" not in text
    assert "# First [data]" in text
    assert "# One [data] x = 5." in text


def test_json_is_not_explained():
    assert "exclude each other" in message_of(call("recipe", "show", "planted", "--explain", "--json"), 2)


def test_secrets_stay_references(monkeypatch, tmp_path):
    monkeypatch.setenv("PRICES", str(tmp_path / "prices.csv"))
    done = call(
        "recipe", "show", "nasdaq", "--explain", "--set", "data.source=csv", "--set", "data.path=${PRICES}",
        "--set", "holdout.start=2014-01-02",
    )  # fmt: skip
    assert "${PRICES}" in done.stdout, done.output
    assert str(tmp_path) not in done.stdout


def test_values_are_written_as_toml_reads_them():
    value = {"a b": ['x"\\\n', "\x7f", True, 1, 0.5, dt.date(2020, 1, 2)], "plain": {}, "bool": False, "big": 1e300}
    assert tomllib.loads(f"value = {as_toml(value)}")["value"] == value


def test_docstrings_are_read_as_they_are_written():
    told = documented(
        """Do it.

        Parameters
        ----------
        one, two : int, bars
            Both.
        name : {"a", "b"}
            First paragraph
            on two lines.

            More of it.
        *rest : object

        Other Parameters
        ----------------
        three : int
            No.
        """
    )
    assert list(told) == ["one", "two", "name", "rest"]
    assert told["two"] == ("int, bars", "Both.")
    assert told["one"].unit == "bars"
    assert told["name"].meaning == "First paragraph on two lines."
    assert documented(None) == documented("No such section.") == {}
    assert documented("X.\n\nParameters\n----------\nn : int, optional\n    N.")["n"].unit == ""
    assert in_words(object) == in_words(quorate.Bars) == ""
    assert in_words(bool | None) == "true or false"
