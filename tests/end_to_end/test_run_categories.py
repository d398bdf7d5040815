"""Categories through whole runs: from a file to models, reports, explanations and forecasts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.runs.predict import predict
from quorate.runs.reproduce import reproduce

N = 700
PLACES = {"AAA": "north", "BBB": "south", "CCC": "north", "DDD": "south"}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four symbols; those of the south rise on most days, those of the north fall."""
    folder = tmp_path_factory.mktemp("categories")
    rng = np.random.default_rng(4)
    days = pd.bdate_range("2015-01-02", periods=N).strftime("%Y-%m-%d")
    frames = []
    for symbol, place in PLACES.items():
        close = 100 * np.exp(np.cumsum(rng.normal(0.003 if place == "south" else -0.003, 0.01, N)))
        opened = np.concatenate(([100.0], close[:-1]))
        columns = {"Open": opened, "High": np.maximum(opened, close), "Low": np.minimum(opened, close), "Close": close}
        frames.append(pd.DataFrame({"Date": days, "Ticker": symbol, **columns, "Exchange": place}))
    pd.concat(frames).to_csv(folder / "bars.csv", index=False)
    return {
        "name": "categories",
        "data": {"source": "csv", "path": str(folder / "bars.csv"), "categories": ["Exchange"]},
        "features": {"use": ["return_1", "return_2"], "categories": ["Exchange"]},
        "folds": {"initial": 300, "test": 100},
        "models": {
            "catboost": {"iterations": 15},
            "lightgbm": {"n_estimators": 15},
            "xgboost": {"n_estimators": 15},
            "logistic": {},
        },
        "execution": {"executor": "serial"},
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def report(recipe: dict[str, Any], home: Path) -> quorate.Report:
    return quorate.run(recipe, home=home)


def accuracy(report: quorate.Report, member: str) -> float:
    frame = report.predictions
    frame = frame[frame["part"] == "development"]
    return float(((frame[f"member/{member}"] > 0.5) == (frame["label"] > 0.5)).mean())


def test_models_that_take_categories_learn_from_them_and_others_do_not(report: quorate.Report) -> None:
    found = {name: accuracy(report, name) for name in ("catboost", "lightgbm", "xgboost", "logistic")}
    assert min(found["catboost"], found["lightgbm"], found["xgboost"]) > 0.58, found
    assert found["logistic"] < 0.56, found
    told = report.document["provenance"]["categories"]
    assert told == {"names": ["Exchange"], "models": ["catboost", "lightgbm", "xgboost"]}
    assert report.results["development"]["rows"]["categories"] == 1


def test_it_is_reproduced_explained_and_used(report: quorate.Report, home: Path) -> None:
    assert reproduce(report.run_id, home=home).identical
    features = quorate.explain(report.run_id, home=home).features.set_index(["forecaster", "name"])
    for name in ("catboost", "lightgbm", "xgboost"):
        assert features.loc[name]["importance"].idxmax() == "Exchange"
        assert features.loc[name]["shap"].idxmax() == "Exchange"
    assert features.loc[("logistic", "Exchange"), "importance"] == 0
    signal = predict(report.run_id, home=home)
    p = {row["symbol"]: row["members"]["catboost"] for row in signal.targets}
    assert min(p["BBB"], p["DDD"]) > max(p["AAA"], p["CCC"])


def test_executors_and_the_cache_agree(recipe: dict[str, Any], report: quorate.Report, home: Path) -> None:
    other = quorate.run({**recipe, "execution": {"executor": "processes", "cache": False}}, home=home)
    assert other.results["development"]["digests"] == report.results["development"]["digests"]
    again = quorate.plan(recipe, home=home)
    assert again.cached == sum(again.fits.values()) > 0


def test_without_a_model_that_takes_them_they_are_refused(recipe: dict[str, Any], home: Path) -> None:
    with pytest.raises(quorate.RecipeError, match="no model of the recipe takes categories; of those installed xgb"):
        quorate.run({**recipe, "models": {"logistic": {}}}, home=home)
    with pytest.raises(quorate.RecipeError, match="each must be named once"):
        quorate.run({**recipe, "features": {"categories": ["symbol", "symbol"]}}, home=home)


def test_where_a_level_is_new_a_warm_start_begins_afresh_and_says_so(recipe: dict[str, Any], tmp_path: Path) -> None:
    """`east` comes before the levels that there were: trees that know them by their places would read others."""
    bars = pd.read_csv(recipe["data"]["path"])
    moved = (bars["Ticker"] == "AAA") & (bars["Date"] > sorted(set(bars["Date"]))[450])
    bars.loc[moved, "Exchange"] = "east"
    bars.to_csv(tmp_path / "bars.csv", index=False)
    warm = {"warm_start": "last_fold", "warm_rounds": 5}
    models = {name: {**recipe["models"][name], **warm} for name in ("catboost", "lightgbm", "xgboost")}
    data = {**recipe["data"], "path": str(tmp_path / "bars.csv")}
    report = quorate.run({**recipe, "data": data, "models": models, "holdout": {"bars": 100}}, home=tmp_path / "home")
    rounds = report.stored("training").groupby(["model", "fold"])["epoch"].max().unstack().to_numpy().tolist()
    assert rounds == [[15, 5, 5], [15, 5, 15], [15, 5, 15]]  # CatBoost knows them by what they are
    told = str(report.telemetry["fit_warnings"])
    for name in ("lightgbm", "xgboost"):
        assert (
            f"{name}: UserWarning: it begins afresh on this fold: Exchange has other levels than in the fold before"
            in told
        )
    assert "catboost: UserWarning" not in told
