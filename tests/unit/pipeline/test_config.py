"""Configuration files: both described forms, what is refused, and variables."""

from __future__ import annotations

import json
import os

import pytest

from quorate.errors import RecipeError
from quorate.pipeline.config import read_config
from quorate.pipeline.databases import bars_of_url
from quorate.pipeline.request import gather

K20 = {
    "database": {"host": "${DB_HOST}", "port": 5432, "database": "crypto_data", "credentials_env": "DB_PASSWORD"},
    "training": {"accelerator": "gpu", "devices": 1, "precision": "16-mixed"},
    "tuning": {"n_trials": 50, "timeout": 3600, "n_jobs": 4},
    "evaluation": {"metrics": ["rmse", "mae", "mape", "direction_accuracy"], "plot_format": "png"},
}
S8 = """
data: {npz_path: /data/sp500.npz, valid_from_train: .1, norm: zscore}
model: {type: gru, hidden: 128, layers: 2, dropout: .2}
train: {epochs: 50, batch_size: 128, lr: 5e-4, early_stop_patience: 10}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ))

    def written(content, name="config.json"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return written


def test_the_form_of_the_json_file_is_taken(write, monkeypatch):
    monkeypatch.setitem(os.environ, "DB_HOST", "db.example")
    monkeypatch.setitem(os.environ, "DB_PASSWORD", "hunter2")
    request = gather("tune", {}, write(K20))
    assert (request.trials, request.timeout, request.jobs) == (50, 3600, 4)
    assert request.no_bars.startswith("database")
    assert any("precision fp16 takes a GPU" in line for line in request.told)
    assert "precision" not in request.loop
    assert "hunter2" not in repr(request)
    assert "db.example" not in repr(request)
    request = gather("evaluate", {}, write(K20))
    assert request.metrics == ("rmse", "mae", "mape", "direction_accuracy")
    assert request.plot_format == "png"


@pytest.mark.parametrize(
    ("database", "data"),
    [
        (
            {
                "host": "${DB_HOST}",
                "port": 5432,
                "database": "crypto",
                "table": "bars",
                "credentials_env": ["ME", "PW"],
            },
            {"source": "postgresql", "url": "postgresql://${ME}:${PW}@${DB_HOST}:5432/crypto", "table": "bars"},
        ),
        (
            {
                "host": "db",
                "name": "crypto",
                "schema": "market",
                "table": "bars",
                "user": "me",
                "credentials_env": "PW",
            },
            {"source": "postgresql", "url": "postgresql://me:${PW}@db/crypto", "table": "market.bars"},
        ),
        (
            {"type": "sqlite", "database": "bars.db", "table": "bars"},
            {"source": "sql", "url": "sqlite:///bars.db", "table": "bars"},
        ),
    ],
)
def test_a_database_is_a_source_of_bars(write, monkeypatch, database, data):
    for name in ("DB_HOST", "ME", "PW"):
        monkeypatch.setitem(os.environ, name, "hunter2")
    request = gather("train", {}, write({"database": database}))
    assert request.data == data
    assert "hunter2" not in repr(request)


def test_a_url_names_its_source():
    assert bars_of_url("postgresql://me@db/crypto") == {"source": "postgresql", "url": "postgresql://me@db/crypto"}
    assert bars_of_url("sqlite:///bars.db")["source"] == "sql"


def test_a_kind_of_database_that_has_no_url_here_is_said(write):
    request = gather("train", {}, write({"database": {"type": "oracle", "table": "bars"}}))
    assert request.no_bars.startswith("database.type must be ")


def test_the_form_of_the_yaml_file_is_taken(write):
    request = gather("train", {}, write(S8, "config.yaml"))
    assert request.architecture == "gru"
    assert request.params == {"hidden": 128, "layers": 2, "dropout": 0.2}
    assert request.loop == {"epochs": 50, "batch_size": 128, "learning_rate": 5e-4, "early_stopping_patience": 10}
    assert "npz_path" in request.no_bars


def test_what_a_trained_model_is_no_file_changes(write):
    request = gather("evaluate", {}, write(S8, "config.yaml"))
    assert (request.architecture, request.params, request.loop) == (None, None, {})


@pytest.mark.parametrize(
    "content, said",
    [
        ({"trianing": {}}, "unknown section; there are data, database.*did you mean 'training'"),
        ({"tuning": {"n_trails": 3}}, "tuning.n_trails: unknown key; section 'tuning' takes.*did you mean 'n_trials'"),
        ({"tuning": {"n_trials": "many"}}, "tuning.n_trials: must be a valid integer"),
        ({"evaluation": {"metrics": ["rsme"]}}, "evaluation.metrics.0: must be 'rmse', 'mae'"),
        ({"evaluation": {"metrics": []}}, "evaluation.metrics"),
        ({"training": {"output_dir": "${HOME}"}}, "training.output_dir takes no"),
        ({"data": {"path": "${NOT_THERE}/x"}}, "data.path needs the environment variable NOT_THERE"),
        ({"database": {"password": "${NOT_THERE}"}}, "database.password needs the environment variable NOT_THERE"),
        ({"database": {"credentials_env": ["NOT_THERE"]}}, "credentials_env needs the environment variable NOT_THERE"),
        ({"training": {"accelerator": "gpuu"}}, "training.accelerator: must be auto, cpu, gpu, cuda, cuda:N or mps"),
        ({"train": {"precision": 17}}, "train.precision: must be 32, 16-mixed or bf16-mixed"),
        ({"tunning": {}, "database": {"host": "${NOT_THERE}"}}, "tunning: unknown section"),
        ([1], "must hold sections"),
        ("{", "is not valid"),
    ],
)
def test_what_is_wrong_is_told(write, content, said):
    with pytest.raises(RecipeError, match=said):
        read_config(write(content))


def test_a_secret_of_the_wrong_type_is_not_told(write):
    with pytest.raises(RecipeError) as told:
        read_config(write({"database": {"password": ["hunter2"]}}))
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    "text, said", [("a: &x {b: 1}\nc: *x\n", "line 2: references"), ("a: [1\n", "line 2"), ("!!python/none x", "line")]
)
def test_yaml_is_read_as_plain_values_only(write, text, said):
    with pytest.raises(RecipeError, match=said):
        read_config(write(text, "config.yml"))


def test_a_recipe_is_no_configuration(write):
    with pytest.raises(RecipeError, match="is a recipe"):
        read_config(write("", "recipe.toml"))


def test_variables_stand_in_a_file_beside_it_and_the_environment_goes_first(write, monkeypatch):
    monkeypatch.setitem(os.environ, "ONE", "of the environment")
    write("# comment\nexport ONE=of the file\nTWO='quoted # text' # said\nTHREE = plain # said\n\n", ".env")
    read_config(write({"data": {"source": "csv", "path": "${ONE}${TWO}${THREE}"}}))
    assert [os.environ[name] for name in ("ONE", "TWO", "THREE")] == ["of the environment", "quoted # text", "plain"]


def test_a_line_that_is_no_assignment_is_named_without_its_text(write):
    write("GOOD=1\nhunter2\n", ".env")
    with pytest.raises(RecipeError, match=r"\.env, line 2") as told:
        read_config(write({}))
    assert "hunter2" not in str(told.value)


def test_the_command_line_goes_before_the_file_before_the_preset(write):
    config = write({"training": {"epochs": 30, "seed": 3, "target": "btc_close"}, "tuning": {"n_trials": 7}})
    request = gather("train", {}, config, "fast")
    assert (request.loop, request.preset) == ({"epochs": 30}, "fast")
    assert (request.seed, request.target) == (3, "btc_close")
    request = gather("train", {"loop": {"epochs": 5}, "seed": 4, "target": None}, config, "fast")
    assert request.loop == {"epochs": 5}
    assert (request.seed, request.target) == (4, "btc_close")
    assert gather("tune", {"trials": None}, config).trials == 7


def test_a_preset_that_there_is_not_is_told():
    with pytest.raises(RecipeError, match="did you mean 'fast'"):
        gather("train", {}, None, "fst")


def test_bars_of_the_command_line_take_the_place_of_those_of_the_file(write):
    request = gather("train", {"data": {"source": "csv", "path": "x.csv"}}, write(S8, "config.yaml"))
    assert request.data == {"source": "csv", "path": "x.csv"}
    assert not request.no_bars
    assert any("npz_path" in line and "--data" in line for line in request.told)


def test_variables_of_bars_that_are_left_aside_need_not_be_set(write):
    with pytest.raises(RecipeError, match="DB_HOST"):
        gather("tune", {}, write(K20))
    assert gather("tune", {"data": {"source": "csv", "path": "x.csv"}}, write(K20)).trials == 50


@pytest.mark.parametrize(
    ("given", "gpus", "found"),
    [("bf16-mixed", 0, "bf16"), (32, 0, "fp32"), ("16-mixed", 1, "fp16"), ("16-mixed", 0, None), (None, 0, None)],
)
def test_a_precision_is_that_of_the_networks_option(write, monkeypatch, given, gpus, found):
    monkeypatch.setattr("quorate.pipeline.request.gpu_count", lambda: gpus)
    assert gather("train", {}, write({"training": {"precision": given}})).loop.get("precision") == found
