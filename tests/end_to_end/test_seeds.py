"""Models with several seeds, and trials that are trained together: nothing changes by what is fitted beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.errors import RecipeError
from quorate.execution.cache import FitCache
from quorate.execution.task import fit_seed
from quorate.sweeps import subject
from quorate.walkforward import members, tasks
from support.command import call, message_of
from support.sweeps import essence

GRU = {"hidden": 4, "lookback": 6, "epochs": 2, "batch_size": 128}
RECIPE: dict[str, Any] = {
    "name": "seeded",
    "seed": 5,
    "data": {"source": "simulated", "n_bars": 480},
    "holdout": {"bars": 60},
    "labels": {"name": "return"},
    "features": {"use": ["return_1", "return_5"]},
    "folds": {"initial": 300, "test": 60},
    "models": {"gru": {**GRU, "seeds": 3}, "ridge": {"seeds": 2}, "past-mean": {}},
    "gates": {"preset": "headline"},
    "execution": {"executor": "serial", "keep_models": "last"},
}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, _leased: object) -> tuple[quorate.Report, Path]:
    home = tmp_path_factory.mktemp("seeds") / "home"
    return quorate.run(deepcopy(RECIPE), home=home), home


def test_the_forecast_is_the_mean_of_what_each_seed_forecasts_alone(
    done: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, _ = done
    own, each = report.predictions["member/gru"].to_numpy(), []
    recipe = deepcopy(RECIPE) | {"models": {"gru": GRU}}
    for number in range(3):
        monkeypatch.setattr(tasks, "fit_seed", lambda run, model, _, number=number: fit_seed(run, model, number))
        each.append(quorate.run(deepcopy(recipe), home=tmp_path / "home").predictions["member/gru"].to_numpy())
    assert np.array_equal(own, np.mean(each, axis=0), equal_nan=True)
    assert not np.array_equal(each[0], each[1], equal_nan=True)


def test_each_seeds_fit_is_kept_and_found_again(done: Any) -> None:
    report, home = done
    folds = len(report.results["development"]["folds"])
    with_cache = FitCache(home / "fits")
    kept = [entry.model for entry in with_cache.entries()]
    with_cache.close()
    assert (kept.count("gru"), kept.count("ridge"), kept.count("past-mean")) == (3 * folds, 2 * folds, folds)
    again = quorate.run(deepcopy(RECIPE), home=home)
    assert again.telemetry["cached"] == again.telemetry["fits"] == 7 * folds  # persistence is one, too
    assert again.document["provenance"]["results_digest"] == report.document["provenance"]["results_digest"]


def test_the_spread_is_told_wherever_the_report_is(done: Any) -> None:
    report, home = done
    part = report.results["development"]
    rows = {(row["series"], row["replicate"]): row for row in part["seeds"]}
    assert sorted(rows) == [("gru", 0), ("gru", 1), ("gru", 2), ("ridge", 0), ("ridge", 1)]
    assert rows["gru", 2]["seed"] == fit_seed(5, "gru", 2)
    spread = {(row["series"], row["metric"]): row for row in part["seed_spread"]}
    told = spread["gru", "rmse"]
    values = [rows["gru", k]["rmse"] for k in range(3)]
    assert told["mean"] == pytest.approx(np.mean(values))
    assert told["sd"] == pytest.approx(np.std(values, ddof=1)) != 0
    assert (told["lowest"], told["highest"]) == (min(values), max(values))
    assert told["of_mean"] <= told["mean"]  # as it must be of a squared error
    assert 0 < told["disagree"] < 1
    assert spread["ridge", "rmse"]["sd"] == spread["ridge", "rmse"]["disagree"] == 0
    text = call("report", report.run_id, "--home", home, "--section", "seeds").stdout
    assert "its 3 seeds disagree on the direction of" in text
    assert "ridge: its 2 seeds forecast the same: nothing in it is drawn at random." in text
    asked = call("sql", "SELECT series, sd FROM seed_spread WHERE metric = 'sharpe'", "--home", home, "--json")
    assert {row["series"] for row in json.loads(asked.stdout)} == {"gru", "ridge"}
    assert any("the spread of 'gru' over its 3 seeds" in one for one in part["warnings"]) == bool(
        {"naive", "past-mean", "persistence"} & set(told["blurred"])
    )


def test_kept_models_predict_with_every_seed_and_one_is_exported(done: Any, tmp_path: Path) -> None:
    report, home = done
    forecast = quorate.predict(report.run_id, kept=True, home=home)
    assert forecast.kept is not None
    assert set(forecast.kept["keys"]) == {*(f"gru, seed {k}" for k in (1, 2, 3)), "ridge, seed 1", "ridge, seed 2"}
    assert not forecast.kept["fitted_again"]
    pytest.importorskip("onnx")
    to = ("export-model", report.run_id, "--model", "gru", "--home", home, "--onnx", tmp_path / "m.onnx")
    assert "seed 2 of 3" in call(*to, "--seed", "2").stdout
    assert "seed 1 of 3" in call(*to).stdout
    assert "--seed must be 1 to 3; it was 4" in message_of(call(*to, "--seed", "4"), 2)


def test_the_holdout_and_an_explanation_have_all_seeds(done: Any) -> None:
    report, home = done
    assert quorate.promote(report.run_id, home=home).results["holdout"]["seeds"]
    told = quorate.explain(report.run_id, home=home).document
    assert {one["name"] for one in told["forecasters"]} >= {"gru", "ridge"}
    assert not told["warnings"], "its predictions are those of the run"


@pytest.mark.parametrize(("seeds", "words"), [(0, "greater than or equal to 1"), (1000, "less than or equal to 100")])
def test_what_cannot_be_is_refused(seeds: int, words: str, tmp_path: Path) -> None:
    recipe = {**deepcopy(RECIPE), "models": {"gru": {**GRU, "seeds": seeds}}}
    with pytest.raises(RecipeError, match=words):
        quorate.run(recipe, home=tmp_path / "home")


def test_one_seed_is_the_same_recipe_as_none(tmp_path: Path) -> None:
    recipes = [{**deepcopy(RECIPE), "models": {"ridge": given}} for given in ({"seeds": 1}, {})]
    told = [quorate.run(recipe, home=tmp_path / "home").document["provenance"] for recipe in recipes]
    assert told[0]["recipe_digest"] == told[1]["recipe_digest"]
    assert told[0]["results_digest"] == told[1]["results_digest"]


@pytest.fixture(name="alone")
def _alone(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what has every fit made by itself from then on."""
    plain = members.fit_tasks

    def tasks(*given: Any) -> list[Any]:
        return [replace(task, together=False) for task in plain(*given)]

    def begin() -> None:
        for module in (members, subject):
            monkeypatch.setattr(module, "fit_tasks", tasks)

    return begin


@pytest.mark.parametrize("pruner", ["none", "race"])
@pytest.mark.usefixtures("_leased")
def test_trials_that_are_trained_together_are_what_each_is_alone(
    pruner: str, alone: Callable[[], None], tmp_path: Path
) -> None:
    recipe = deepcopy(RECIPE) | {"models": {"gru": {**GRU, "seeds": 2}, "past-mean": {}}}
    recipe["data"]["n_bars"] = 900
    recipe["folds"] = {"initial": 700, "test": 70}
    others = dict.fromkeys(("lookback", "hidden", "layers", "direction_penalty", "batch_size", "epochs"), False)
    space = {**others, "learning_rate": {"low": 1e-4, "high": 1e-1, "log": True}, "dropout": [0.0, 0.5]}
    recipe["tuning"] = {"trials": 6, "folds": 3, "pruner": pruner, "space": {"gru": space}}
    together = quorate.sweep(deepcopy(recipe), home=tmp_path / "together")
    alone()
    by_itself = quorate.sweep(deepcopy(recipe), home=tmp_path / "alone")
    assert essence(together) == essence(by_itself)
    first, second = (one.document["searches"]["gru"] for one in (together, by_itself))
    assert first["verdicts"] == second["verdicts"]
    wanted = 2 * 3 * 7  # seeds, folds, trials and the recipe's own parameters
    assert by_itself.document["telemetry"]["fits"] <= together.document["telemetry"]["fits"]
    if pruner == "none":
        assert together.document["telemetry"]["fits"] == wanted
