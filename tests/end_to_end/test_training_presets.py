"""Training presets that are trained: beside each other, from Python, and through the checklist."""

from __future__ import annotations

import json
import tomllib

import pytest

import quorate
from quorate.pipeline.quality import CHECKS
from support.command import call, message_of

FEW = ("--set", 'features.use=["return_1", "return_5", "zscore_20"]', "--set", "data.n_bars=330")


def test_presets_are_trained_and_stand_beside_legacy():
    arguments = ("compare", "simulated", "--preset", "fast", "--epochs", "1", *FEW)
    result = call("training-preset", *arguments, "--json")
    assert result.exit_code == 0, result.output
    assert "at most so many epochs: fast 1, legacy 1" in result.stderr
    found = json.loads(result.stdout)
    rows = found["presets"]
    assert list(rows) == ["fast", "legacy"]
    assert found["train_rows"] > found["test_rows"] > 50
    for row in rows.values():
        assert row["epochs"] == 1
        assert row["seconds"] > 0
        assert row["metrics"]["rmse"] > 0
    assert rows["fast"]["weights"] < rows["legacy"]["weights"] / 2
    assert rows["fast"]["ratios"]["rmse"] == rows["fast"]["metrics"]["rmse"] / rows["legacy"]["metrics"]["rmse"]
    assert rows["legacy"]["verdict"] == "base"


def test_a_configuration_from_a_preset_is_one_that_trains(tmp_path):
    given = {"epochs": 1, "early_stopping_patience": 3, "dropout": 0.0, "output_dir": tmp_path / "m"}
    config = quorate.create_config_from_preset("balanced", "SIM001", timeframe="1d", data="simulated", **given)
    document = quorate.train(config).document
    params = document["params"]
    assert document["architecture"] == "cnn-gru"
    assert [params[name] for name in ("epochs", "patience", "dropout", "batch_size", "lookback")] == [1, 3, 0, 48, 90]
    assert document["seed"] != 0
    assert (tmp_path / "m/model.safetensors").stat().st_size
    other = quorate.create_config_from_preset("fast", "SIM001", timeframe="1h", data="simulated")
    with pytest.raises(quorate.RecipeError, match="timeframe 1h: the bars are 1d apart"):
        quorate.train(other)
    with pytest.raises(quorate.RecipeError, match="tells classes apart"):
        quorate.create_config_from_preset("lstm-classifier", "SIM001")


@pytest.mark.full
def test_the_checklist_trains_loads_exports_and_trades_each_preset():
    result = call("dev", "quality", "--epochs", "1", "--json")
    found = json.loads(result.stdout)
    assert list(found["presets"]) == ["fast", "balanced", "quality", "legacy"]
    for name, row in found["presets"].items():
        assert tuple(row["checks"]) == CHECKS
        for check in CHECKS[:-1]:
            assert row["checks"][check]["passed"], (name, check, row["checks"][check])
    assert found["passed"]
    assert result.exit_code == 0


def tuned_recipe(*arguments):
    days = ("--train-end", "2000-12-29", "--val-end", "2001-04-27")
    result = call("tune", "--data", "simulated", *FEW, *days, "--show-recipe", *arguments)
    assert result.exit_code == 0, result.output
    return tomllib.loads(result.stdout)


def test_a_preset_is_the_base_of_what_is_tuned():
    recipe = tuned_recipe("--preset", "fast")
    own = recipe["models"]["cnn-gru-fast"]
    assert [own[name] for name in ("epochs", "batch_size", "learning_rate", "lookback")] == [100, 64, 2e-3, 60]
    assert recipe["tuning"]["models"] == ["cnn-gru-fast"]
    recipe = tuned_recipe("--preset", "fast", "--architecture", "gru")
    assert (recipe["models"]["gru"]["epochs"], recipe["models"]["gru"]["schedule"]) == (100, "plateau")
    assert not recipe["tuning"]["space"]
    recipe = tuned_recipe("--preset", "fast", "--architecture", "mlp")
    assert [recipe["models"]["mlp"][name] for name in ("epochs", "batch_size")] == [100, 64]  # all that it takes


def test_epochs_that_were_typed_are_those_of_every_trial():
    recipe = tuned_recipe("--preset", "fast", "--architecture", "gru", "--epochs", "3")
    assert recipe["models"]["gru"]["epochs"] == 3
    assert recipe["tuning"]["space"] == {"gru": {"epochs": False}}
    space = ("--set", "tuning.space={gru={hidden=[8, 16]}}")
    recipe = tuned_recipe("--architecture", "gru", "--epochs", "3", *space)
    assert recipe["tuning"]["space"] == {"gru": {"epochs": False, "hidden": [8, 16]}}
    recipe = tuned_recipe("--preset", "fast", "--epochs", "3")  # which has no epochs among what is tried
    assert recipe["models"]["cnn-gru-fast"]["epochs"] == 3
    assert not recipe["tuning"]["space"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--preset", "fst"), "did you mean 'fast'"),
        (("--preset", "lstm-classifier"), "tells classes apart"),
        (("--architecture", "ridge", "--epochs", "3"), "'ridge' has no such option"),
    ],
)
def test_what_cannot_be_tuned_so_is_told(arguments, told):
    days = ("--train-end", "2000-12-29", "--val-end", "2001-04-27")
    assert told in message_of(call("tune", "--data", "simulated", *days, *arguments), 2)


def test_tuning_writes_described_names_and_training_reads_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = "{gru={epochs=[1],hidden=[8,16],layers=[1],lookback=[5]}}"
    small = ("epochs=1", "hidden=12", "lookback=6")
    sets = (*FEW, *(part for one in small for part in ("--set", f"models.gru.{one}")))
    days = ("--train-end", "2000-12-29", "--val-end", "2001-04-27")
    tuned = call(
        "tune", "--architecture", "gru", "--data", "simulated", *sets, "--set", f"tuning.space={space}",
        "--set", "tuning.folds=2", "--set", "tuning.keep=best", "--n-trials", "2", *days,
    )  # fmt: skip
    assert tuned.exit_code == 0, tuned.output
    params = json.loads((tmp_path / "best_params.json").read_text())
    assert {"n_epochs", "hidden_dim", "n_rnn_layers", "input_chunk_length", "lambda"} <= set(params)
    result = call("train", "--params", "best_params.json", "--output-dir", "m", "--json")
    assert result.exit_code == 0, result.output
    own = json.loads(result.stdout)["params"]
    assert (own["hidden"], own["lookback"]) == (params["hidden_dim"], params["input_chunk_length"])
    assert (own["epochs"], own["loss"]) == (1, "direction_mse")
    assert "epoch=1" in (tmp_path / "m" / "train.log").read_text()  # wherever the process that trains stands
