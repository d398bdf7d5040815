"""The three commands as they are typed: tune, train, evaluate."""

from __future__ import annotations

import builtins
import datetime as dt
import json
import os
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quorate.dataset.folds import Fold
from quorate.errors import Interrupted
from quorate.execution.keeping import forecast, learn
from quorate.execution.progress import Progress
from quorate.execution.task import FitData
from quorate.pipeline import artefact
from quorate.pipeline.request import gather
from quorate.pipeline.rows import before, dataset_of, task_of_fit, training_rows
from quorate.pipeline.train import prepare
from quorate.pipeline.tune import tune
from quorate.runs.swept import load_sweep
from quorate.store import Home
from quorate_data.simulated import simulated
from support.command import call, message_of

UNKEPT = str(Path(__file__).parents[1] / "plugins/sound/model_keywords.py")

PERIODS = (
    "--train-start",
    "2019-02-01",
    "--train-end",
    "2020-12-31",
    "--val-start",
    "2021-01-01",
    "--val-end",
    "2021-04-30",
)
TEST = ("--test-start", "2021-05-01", "--test-end", "2021-06-30")
FEW = ("--set", 'features.use=["return_1", "return_2", "return_5", "zscore_20"]')
WHAT = ("--architecture", "ridge", "--target", "btc_close", "--set", "data.calendar=24x7", *FEW)
TUNE = (*WHAT, "--n-trials", "3", "--set", "tuning.folds=3", *PERIODS)


def frame():
    bars = simulated(signal=0.3, n_bars=950, seed=4, start="2019-01-01", calendar="24x7")
    return bars.to_frame().assign(date=bars.sessions.astype(str), symbol="BTC").drop(columns="time")


@pytest.fixture(scope="module")
def done(tmp_path_factory, _leased):
    """The three steps, once; the folder is what a user would be in."""
    folder = tmp_path_factory.mktemp("pipeline")
    frame().to_csv(folder / "btc.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in (
            ("tune", *TUNE, "--data", "btc.csv"),
            ("train", "--architecture", "ridge", "--params", "best_params.json", "--output-dir", "models/ridge"),
            ("evaluate", "--model", "models/ridge/model.safetensors", "--scaler", "models/ridge/scaler.json",
             *TEST, "--output-dir", "results/"),
        ):  # fmt: skip
            result = call(*arguments, "--home", folder / "home")
            assert result.exit_code == 0, result.output
    return folder


@pytest.fixture
def here(done, monkeypatch):
    monkeypatch.chdir(done)
    return done


def document(path):
    return json.loads(Path(path).read_text())


def test_tuning_leaves_the_search_space_and_how_it_came_about(here):
    assert list(document("best_params.json")) == ["alpha"]
    notes = document("tuning.json")
    sweep = load_sweep(notes["sweep"], home=here / "home")
    assert notes["periods"] == {
        "training": ["2019-02-01", "2020-12-31"],
        "validation": ["2021-01-01", "2021-04-30"],
    }
    assert sweep.document["inner"]["last"] == "2020-12-31"
    assert (sweep.document["outer"]["first"], sweep.document["outer"]["last"]) == ("2021-01-01", "2021-04-30")
    fingerprint = sweep.source.begun()["data"]["fingerprint"]
    assert Home(here / "home").bars(fingerprint).span == "2019-02-01..2021-04-30"


def test_what_transforms_have_learnt_is_in_the_scaler_and_the_model_is_evaluated_with_it(here, tmp_path):
    chains = ("--set", 'features.transforms={"*" = ["robust", { name = "pca", components = 2 }]}')
    train = ("train", *WHAT, *chains, "--data", "btc.csv", "--train-end", "2020-12-31", "--output-dir", tmp_path / "m")
    assert call(*train).exit_code == 0
    arrays = document(tmp_path / "m" / "scaler.json")["arrays"]
    names = ["transforms.0.0.centre", "transforms.0.0.scale", "transforms.0.1.mean", "transforms.0.1.directions"]
    assert set(names) < set(arrays)
    assert arrays["transforms.0.0.scale"]["shape"] == [4]
    assert arrays["mean"]["shape"] == [2]  # the model's own scaler sees the two components
    steps = document(tmp_path / "m" / "model.json")["transforms"]
    assert [(step["name"], step["key"]) for step in steps] == [("robust", "*"), ("pca", "*")]
    test = ("evaluate", "--model", tmp_path / "m", *TEST, "--output-dir", tmp_path / "r")
    assert call(*test).exit_code == 0
    assert document(tmp_path / "r" / "metrics.json")["forecasts"] > 20


def test_days_after_validation_change_nothing_that_tuning_or_training_finds(here, tmp_path):
    other = frame()
    later = other["date"] > "2021-04-30"
    for name in ("open", "high", "low", "close"):
        other.loc[later, name] *= 3
    other.to_csv(tmp_path / "btc.csv", index=False)
    os.chdir(tmp_path)
    assert call("tune", *TUNE, "--data", "btc.csv").exit_code == 0
    assert call("train", "--params", "best_params.json", "--output-dir", "m").exit_code == 0
    assert document("best_params.json") == document(here / "best_params.json")
    theirs, ours = (document(p)["files"] for p in ("m/model.json", here / "models/ridge/model.json"))
    assert theirs == ours


def test_the_model_is_linked_with_all_it_came_from_and_its_training_ends_in_time(here):
    model = document("models/ridge/model.json")
    assert model["plugin"]["name"] == "ridge"
    assert model["params"] == document("best_params.json")
    assert model["training"]["period"] == ["2019-02-01", "2021-04-30"]
    assert model["training"]["label_end"] == "2021-04-30"
    assert model["tuned"]["sweep"] == document("tuning.json")["sweep"]
    assert model["features"] == ["return_1", "return_2", "return_5", "zscore_20"]
    assert set(model["files"]) == {"model.safetensors", "scaler.json"}
    assert len(document("models/ridge/scaler.json")["arrays"]["mean"]["values"]) == 4
    assert sorted(p.name for p in Path("models/ridge").iterdir()) == ["model.json", "model.safetensors", "scaler.json"]


def test_figures_are_those_of_prices_within_the_test(here):
    found = document("results/metrics.json")
    assert np.isfinite([found[name] for name in ("rmse", "mae", "mape", "direction_accuracy")]).all()
    assert "2021-05-01" <= found["first"] <= found["last"] <= "2021-06-30"
    prices = frame().set_index("date")["close"]
    days = [d for d in prices.index if found["first"] <= d <= found["last"]]
    assert found["forecasts"] == len(days)
    change = prices.diff()[days]
    assert found["naive"]["rmse"] == pytest.approx(float(np.sqrt((change**2).mean())), rel=1e-12)
    assert found["naive"]["direction_accuracy"] == 0
    assert 0.5 < found["rmse"] / found["naive"]["rmse"] < 1.5
    assert Path("results/forecast_vs_actual.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("model", ["ridge", *(pytest.param(m, marks=pytest.mark.full) for m in ("lightgbm", "mlp"))])
def test_a_reloaded_model_predicts_what_the_trained_one_did_bit_for_bit(here, tmp_path, model):
    given = {
        "architecture": model,
        "target": "btc_close",
        "data": {"source": "csv", "path": "btc.csv", "calendar": "24x7"},
        "sets": ('features.use=["return_1", "zscore_20"]',),
    }
    ready = prepare(gather("train", given), None)
    session, bars = ready.found.session, ready.found.bars
    dataset, _ = dataset_of(session, model, bars, lambda rows: 700)
    cut = before(bars, dt.date(2021, 4, 30))
    test = np.flatnonzero(dataset.bar >= cut).astype(np.int64)
    data = FitData(dataset, (Fold(0, cut, len(bars), training_rows(bars, dataset, dt.date(2021, 4, 30)), test),))
    task = task_of_fit(session, model, dataset.feature_names)
    learnt = learn(data, task, 60.0)
    artefact.write(tmp_path, learnt.state, {"features": list(dataset.feature_names)})
    again = forecast(data, task, artefact.read(tmp_path).state, 60.0)
    assert len(again) == len(test) > 0
    assert np.ptp(again) > 0
    assert np.array_equal(again, learnt.predictions)


def test_a_second_time_no_trial_is_needed(here):
    result = call("tune", *TUNE, "--data", "btc.csv", "--home", here / "home", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["sweep"] == document("tuning.json")["sweep"]
    assert "no trial was needed" in result.stderr
    assert len(Home(here / "home").runs("sweep")) == 1


def test_what_was_interrupted_goes_on(here, tmp_path):
    class Stop(Progress):
        def trial(self, told):
            raise KeyboardInterrupt

    given = {
        "architecture": "ridge",
        "data": {"source": "csv", "path": "btc.csv", "calendar": "24x7"},
        "sets": ("tuning.folds=3", 'features.use=["return_1", "return_2"]'),
        "trials": 4,
        "train_end": dt.date(2020, 12, 31),
        "val_end": dt.date(2021, 4, 30),
        "output_dir": tmp_path / "out",
    }
    request = gather("tune", given)
    with pytest.raises(Interrupted):
        tune(request, home=tmp_path / "home", progress=Stop())
    done = tune(request, home=tmp_path / "home")
    assert "was interrupted: it went on" in done.told[-1]
    assert len(done.sweep.trials) == 4
    assert [run.id for run in Home(tmp_path / "home").runs("sweep")] == [done.sweep.id]
    fresh = tune(request, home=tmp_path / "other")
    assert fresh.sweep.trials["value"].tolist() == done.sweep.trials["value"].tolist()


@pytest.mark.parametrize(
    "test, said",
    [
        (("2021-04-30", "2021-06-30"), "training .* and test .* overlap: .*--test-start after 2021-04-30"),
        (("2021-06-30", "2021-05-01"), "test must end after it begins"),
        (("2021-06-30", "2021-06-30"), "too few"),
        (("2025-01-01", "2025-02-01"), "there is no bar of the test"),
    ],
)
def test_a_test_that_the_model_has_seen_or_that_has_no_bars_is_refused(here, test, said):
    first, last = test
    result = call(
        "evaluate", "--model", "models/ridge", "--test-start", first, "--test-end", last, "--output-dir", "no"
    )
    assert result.exit_code in (1, 2)
    assert pd.Series([result.stderr]).str.contains(said, regex=True).all(), result.stderr
    assert not Path("no").exists()


def test_a_test_within_the_days_that_chose_the_parameters_is_refused(here):
    shorter = ("--params", "best_params.json", "--train-end", "2020-12-31", "--output-dir", "models/shorter")
    assert call("train", *shorter).exit_code == 0
    result = call("evaluate", "--model", "models/shorter", "--test-start", "2021-03-01", "--test-end", "2021-06-30")
    assert "validation (2021-01-01 to 2021-04-30) and test (2021-03-01" in message_of(result, 2)


def test_other_bars_of_the_training_period_are_told(here, tmp_path):
    other = frame()
    other.loc[400, "volume"] *= 2
    other.to_csv(tmp_path / "btc.csv", index=False)
    arguments = ("--data", tmp_path / "btc.csv", "--set", "data.calendar=24x7", "--output-dir", tmp_path / "out")
    result = call("evaluate", "--model", "models/ridge", *TEST, *arguments, "--json")
    assert result.exit_code == 0, result.output
    assert "not those that the model has learnt from" in json.loads(result.stdout)["warnings"][0]


def test_without_a_library_for_pictures_the_figures_are_written_and_it_is_told(here, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "quorate.report.picture":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    result = call("evaluate", "--model", "models/ridge", *TEST, "--output-dir", tmp_path)
    assert result.exit_code == 0
    assert "pip install 'quorate[plots]'" in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["forecasts.csv", "metrics.json"]


@pytest.mark.full
def test_a_configuration_file_says_it_all(here, tmp_path):
    (tmp_path / ".env").write_text(f"BARS={here}\nDB_HOST=db.example\n")
    config = {
        "database": {"host": "${DB_HOST}", "port": 5432},
        "data": {"path": "${BARS}/btc.csv", "calendar": "24x7"},
        "training": {
            "architecture": "ridge", "target": "btc_close", "covariates": "volume", "precision": "16-mixed",
            "train_start": "2019-02-01", "train_end": "2020-12-31", "output_dir": str(tmp_path / "m"),
        },
        "tuning": {"n_trials": 2, "timeout": 3600, "n_jobs": 1, "val_end": "2021-04-30"},
        "evaluation": {"metrics": ["mae"], "plot_format": "svg", "test_start": "2021-05-01", "test_end": "2021-06-30"},
    }  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "environ", dict(os.environ))
        shown = call("tune", "--config", file, "--show-recipe")
        assert 'path = "${BARS}/btc.csv"' in shown.stdout
        assert "trials = 2" in shown.stdout
        assert "timeout = 3600.0" in shown.stdout
        assert "precision fp16 takes a GPU" in shown.stderr
        assert call("train", "--config", file).exit_code == 0
        result = call("evaluate", "--config", file, "--model", tmp_path / "m", "--output-dir", tmp_path / "r")
        assert result.exit_code == 0, result.output
        without = call("evaluate", "--model", tmp_path / "m", *TEST, "--output-dir", tmp_path / "r")
        assert "take BARS from the environment" in message_of(without, 2)
    found = document(tmp_path / "r/metrics.json")
    assert "mae" in found
    assert "rmse" not in found
    assert (tmp_path / "r/forecast_vs_actual.svg").exists()
    stored = (tmp_path / "m/model.json").read_text()
    assert "${BARS}" in stored
    assert "db.example" not in stored
    assert str(here) not in stored


def test_names_of_another_tool_and_a_series_beside_the_bars_are_enough(here, tmp_path):
    days = pd.date_range("2018-12-31", "2021-12-31").strftime("%Y-%m-%d")
    pd.DataFrame({"time": days, "mood": np.arange(len(days)) % 7.0}).to_csv(tmp_path / "mood.csv", index=False)
    series = ("--set", f"covariates.mood.path={tmp_path / 'mood.csv'}", "--set", "covariates.mood.lag=1d")
    typed = ("--model-name", "ridge", "--asset-id", "BTC", "--end-date", "2021-04-30", "--n-trials", "2")
    command = ("tune", *typed, "--data", "btc.csv", "--set", "data.calendar=24x7", "--show-recipe")
    shown = call(*command, "--covariates", "volume,mood", *series)
    assert shown.exit_code == 0, shown.output
    recipe = tomllib.loads(shown.stdout)
    assert {"mood", "volume_ratio_20"} <= {*recipe["features"]["use"]}
    # 851 days from 2019-01-01 to 2021-04-30: training has the first 80 % of them.
    assert str(recipe["folds"]["first"]) == str(dt.date(2019, 1, 1) + dt.timedelta(days=680))
    said = message_of(call(*command, "--covariates", "mood"), 2)
    assert "--set covariates.mood.path=FILE" in said


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("tune", "--architecture", "prophet"), "no plugin at hand offers the model 'prophet'; at hand are catboost"),
        (("tune",), "--architecture must name a model"),
        (("tune", "--architecture", "logistic"), "tells classes apart, and the target is a price"),
        (("tune", *WHAT), "has no --val-end"),
        (("tune", *WHAT, *PERIODS), "it must be known where the bars come from"),
        (("tune", *WHAT, *PERIODS, "--data", "nowhere"), "there is no 'nowhere'"),
        (("tune", *WHAT, *PERIODS, "--data", "btc.csv", "--covariates", "sentiment"), "of the covariate 'sentiment'"),
        (("tune", *WHAT, *PERIODS[:-1], "2020-01-01", "--data", "btc.csv"), "validation must end after it begins"),
        (("tune", *WHAT, "--train-end", "2031-01-01", "--val-end", "2032-01-01", "--data", "btc.csv"), "bars end on"),
        (
            ("tune", *WHAT, *PERIODS, "--data", "btc.csv", "--set", 'tuning.space={"labels.horizon" = [1, 2]}'),
            "labels.horizon is no parameter of 'ridge'",
        ),
        (("train", "--architecture", "ridge", "--target", "eth_close", "--data", "btc.csv"), "no bars of 'eth'"),
        (("train", "--architecture", "ridge", "--target", "btc_volume", "--data", "btc.csv"), "open and close"),
        (("train", "--architecture", "ridge", "--epochs", "3", "--data", "btc.csv"), "'ridge' has no such option"),
        (
            ("train", "--architecture", "sound-keywords", "--data", "btc.csv", "--plugin", UNKEPT),
            "cannot be kept in a file",
        ),
        (("train", "--params", "scaler.pkl"), "run code when they are read"),
        (("train", "model", "BTC", "--preset", "fast"), "it must be known where the bars come from"),
        (("train", "model", "BTC", "--preset", "fst"), "did you mean 'fast'"),
        (("train", "model", "BTC", "--preset", "lstm-classifier"), "tells classes apart, and the target is a price"),
        (("train", "models", "BTC"), "`model SYMBOL`"),
        (("evaluate", "--model", "models/ridge/model.pt"), "model.safetensors stands for model.pt"),
        (("evaluate", "--model", "models/ridge", "--set", "models.ridge.alpha=1"), "was settled when it was trained"),
        (("evaluate", "--model", "models/ridge"), "--test-start YYYY-MM-DD and --test-end"),
    ],
)
def test_mistakes_are_told_in_a_line_that_says_what_to_do(here, arguments, said):
    assert said in message_of(call(*arguments), 2)


@pytest.mark.full
def test_the_form_with_a_symbol_trains_what_is_at_hand(here, tmp_path):
    arguments = ("--preset", "fast", "--model-type", "mlp", "--epochs", "2", "--data", "btc.csv", *FEW)
    more = ("--set", "data.calendar=24x7", "--train-end", "2021-04-30", "--output-dir", tmp_path / "m", "--json")
    result = call("train", "model", "BTC", *arguments, *more)
    assert result.exit_code == 0, result.output
    params = json.loads(result.stdout)["params"]
    assert (params["epochs"], params["batch_size"]) == (2, 64)  # the command line, then the preset
    assert document(tmp_path / "m/model.json")["target"] == {"symbol": "BTC", "field": "close"}
    told = document(tmp_path / "m/training.json")
    course = document(tmp_path / "m/model.json")["training"]["course"]
    assert told["summary"] == course
    assert (course["epochs"], course["train_loss"]) == (2, told["epochs"][-1]["train_loss"])
    assert (tmp_path / "m/learning_curves.png").read_bytes().startswith(b"\x89PNG")
    assert call("evaluate", "--model", tmp_path / "m", *TEST, "--output-dir", tmp_path / "r").exit_code == 0
    # What sums up a training in ten figures, and how far it is from the prices.
    found = document(tmp_path / "r/metrics.json")
    assert found["training"]["course"] == course
    assert {"epochs", "seconds", "val_loss", "steps_per_second", "milliseconds_per_step"} <= set(course)
    errors = found["errors"]
    assert errors["pct_mae"] == pytest.approx(found["mape"])
    assert (errors["price_mae"], errors["price_rmse"]) == (pytest.approx(found["mae"]), pytest.approx(found["rmse"]))
    assert errors["pct_rmse"] >= errors["pct_mae"]
    assert all(np.isfinite(errors[name]) for name in ("pct_mape", "dm"))


def test_a_model_of_a_plugin_file_is_trained_and_evaluated(here, tmp_path):
    source = Path(__file__).parents[1] / "plugins/sound/model_kept.py"
    arguments = (
        "--plugin",
        source,
        "--data",
        "btc.csv",
        "--set",
        "data.calendar=24x7",
        *FEW,
        "--train-end",
        "2021-04-30",
    )
    result = call("train", "--architecture", "kept-line", *arguments, "--output-dir", tmp_path / "m")
    assert result.exit_code == 0, result.output
    test = ("evaluate", "--model", tmp_path / "m", *TEST, "--output-dir", tmp_path / "r")
    # The file is code: that model.json names it does not run it.
    assert "no plugin at hand offers the model 'kept-line'" in message_of(call(*test), 2)
    result = call(*test, "--plugin", source)
    assert result.exit_code == 0, result.output
    assert document(tmp_path / "r/metrics.json")["warnings"] == []


def test_several_processes_are_refused_where_ray_is_not_wanted(tmp_path):
    found = call(
        "train", "--model", "dlinear", "--target", "close", "--data", "simulated", "--set", "data.n_bars=300",
        "--set", "data.n_symbols=1", "--set", "execution.executor=processes", "--workers", "2", "--home", tmp_path,
    )  # fmt: skip
    assert "execution.executor is 'processes'" in message_of(found, 2)
