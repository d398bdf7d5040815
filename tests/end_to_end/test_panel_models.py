"""A panel as a run has it: rankers, members on one scale within the bar, and all that is asked of such a run later."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.errors import RecipeError

PLUGIN = '''
"""Opens of which the volume tells, two bars before, which symbols do better than the others; the market moves all."""

import numpy as np
import pandas as pd

import quorate

EFFECT = 0.5


def crossed(n_bars: int = 360, n_symbols: int = 8):
    rng = np.random.default_rng(4)
    told, apart = rng.normal(size=(2, n_bars, n_symbols))
    known = np.vstack([np.zeros((2, n_symbols)), told[:-2]])
    moves = 0.02 * rng.normal(size=(n_bars, 1)) + 0.01 * (EFFECT * known + np.sqrt(1 - EFFECT**2) * apart)
    price = 100 * np.exp(np.cumsum(moves, axis=0)).ravel()
    times = pd.date_range("2015-01-01 23:00", periods=n_bars, freq="D", tz="UTC")
    columns = dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 1000 * np.exp(told).ravel()}
    names = [f"S{i}" for i in range(n_symbols)]
    frame = pd.DataFrame({"time": np.repeat(times, n_symbols), "symbol": np.tile(names, n_bars), **columns})
    return quorate.Bars.from_frame(frame, calendar="24x7")


class Levels:
    def fit(self, X, y, bar, symbol, sample_weight=None):
        self.levels_ = np.append(np.bincount(symbol, weights=y) / np.bincount(symbol), 0.0)
        return self

    def predict(self, X, symbol):
        return self.levels_[symbol]


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("crossed", crossed)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("told", lambda volume: np.log(volume), inputs=("volume",))
    yield quorate.FeatureSpec("moved", lambda close: close - np.round(close), inputs=("close",))


def state(model):
    return {"levels": model.levels_}


def load(model, state):
    model.levels_ = state["levels"]
    return model


@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("levels", Levels, task="regression", state_dict=state, load_state_dict=load)
'''
RECIPE: dict[str, Any] = {
    "name": "crossed",
    "data": {"source": "crossed"},
    "holdout": {"bars": 40},
    "labels": {"name": "rank", "weights": ["uniqueness", {"name": "return", "over": "panel"}]},
    "features": {"use": ["told", "moved"]},
    "folds": {"initial": 160, "test": 60},
    "models": {"lightgbm-ranker": {"min_child_samples": 20}, "xgboost-ranker": {}, "ridge": {}, "levels": {}},
    "ensemble": {"method": "mean", "calibration": "bar-rank", "compare": []},
    "strategy": {"name": "long-short", "compare": []},
    "threshold": {"min_bars": 60},
    "gates": {"preset": "headline"},
    "execution": {"executor": "serial", "keep_models": "last"},
}


def information(frame: pd.DataFrame, column: str) -> float:
    """Return the mean over the bars of the rank correlation of forecasts and labels."""
    known = frame[np.isfinite(frame["label"])]
    by_bar = known.groupby("time")[[column, "label"]]
    return float(np.mean([some.corr("spearman").iloc[0, 1] for _, some in by_bar]))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, _leased: object) -> tuple[dict[str, Any], quorate.Report, Path]:
    folder = tmp_path_factory.mktemp("panels")
    (folder / "crossed.py").write_text(PLUGIN)
    recipe = {**deepcopy(RECIPE), "plugins": [str(folder / "crossed.py")]}
    return recipe, quorate.run(recipe, home=folder / "home"), folder / "home"


def test_rankers_order_the_symbols_about_as_who_knows_the_effect(done: Any) -> None:
    plugin: dict[str, Any] = {}
    exec(PLUGIN, plugin)
    bars = plugin["crossed"]().to_frame().set_index(["time", "symbol"])
    frame = done[1].predictions.reset_index()
    frame["oracle"] = bars["volume"].loc[pd.MultiIndex.from_frame(frame[["time", "symbol"]])].to_numpy()
    names = ("oracle", "member/lightgbm-ranker", "member/xgboost-ranker", "ensemble/mean")
    oracle, first, second, mean = (information(frame, name) for name in names)
    assert oracle > 0.3
    assert first != second
    assert min(first, second, mean) > 0.85 * oracle


def test_members_are_on_one_scale_within_the_bar(done: Any) -> None:
    frame = done[1].predictions.reset_index()
    for name in ("member/lightgbm-ranker", "member/ridge"):
        ranks = frame.groupby("time")[name].rank()
        assert frame[name].to_numpy() == pytest.approx(((ranks - 0.5) / 8 - 0.5).to_numpy())
    voting = frame[[f"member/{name}" for name in RECIPE["models"]]]
    assert frame["ensemble/mean"].to_numpy() == pytest.approx(voting.mean(axis=1).to_numpy())


def test_a_run_is_the_same_wherever_it_is_fitted(done: Any, tmp_path: Path) -> None:
    recipe = {**deepcopy(done[0]), "execution": {"executor": "processes"}}
    assert quorate.run(recipe, home=tmp_path / "home").digest == done[1].digest
    assert quorate.reproduce(done[1].run_id, home=done[2]).identical


def test_kept_models_forecast_the_next_bar_and_an_explanation_is_of_the_runs_forecasts(done: Any) -> None:
    _, report, home = done
    fresh, kept = (quorate.predict(report.run_id, kept=kept, home=home) for kept in (False, True))
    for one in (fresh, kept):
        told = {target["symbol"]: target["members"]["lightgbm-ranker"] for target in one.targets}
        assert sorted(told.values()) == pytest.approx(np.sort((np.arange(8) + 0.5) / 8 - 0.5))
    explained = quorate.explain(report.run_id, home=home)
    assert not [told for told in explained.document["warnings"] if "not those of the run" in told]


def test_a_holdout_goes_on_in_the_same_way(done: Any) -> None:
    report = quorate.promote(done[1].run_id, home=done[2])
    held = report.predictions[report.predictions["part"] == "holdout"].reset_index()
    assert information(held, "member/lightgbm-ranker") > 0.2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ensemble": {"calibration": "none"}}, "lightgbm-ranker gives scores of which only the order within a bar"),
        ({"labels": {"name": "direction"}, "models": {"logistic": {}}}, "is for labels that are numbers"),
        ({"data": {"source": "crossed", "n_symbols": 1}}, "is of several symbols at a bar; the data have S0 alone"),
        ({"labels": {"name": "rank", "steps": [1, 2]}}, "is of one step, and labels.steps asks for several"),
        ({"labels": {"name": "rank", "weights": "class-balance"}}, "class-balance is for labels that are classes"),
        ({"labels": {"name": "rank", "weights": []}}, "weights must be one or more"),
        (
            {"labels": {"name": "rank", "weights": {"name": "return", "last": 0.1}}},
            "weight 'return' has no option 'last'",
        ),
    ],
)
def test_what_does_not_go_together_is_told_before_any_fit(
    done: Any, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(RecipeError, match=told):
        quorate.run({**deepcopy(done[0]), **change}, home=tmp_path / "home")


NO_WEIGHTS = """
import quorate

class Still:
    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("still", Still, task="regression")
"""


def test_models_that_take_no_weights_are_named_and_a_baseline_does_without(
    tiny: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "still.py").write_text(NO_WEIGHTS)
    weighted = {**tiny, "labels": {"weights": "uniqueness"}}
    asked = {**weighted, "plugins": [str(tmp_path / "still.py")], "models": {"still": {}, "logistic": {}}}
    with pytest.raises(RecipeError, match=r"1 model cannot weigh rows, .*: still\. Leave them out"):
        quorate.run(asked, home=tmp_path / "home")
    assert "member/majority" in quorate.run(weighted, home=tmp_path / "home").predictions
