"""Meta-labels in a run: a primary rule that is right is followed, and the veto of one that guesses is worth nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import quorate
from quorate.errors import RecipeError
from quorate_plugins.labels.meta import side

PLUGIN = '''
"""Opens that move against how they moved two bars before, in a share of cases."""

import numpy as np
import pandas as pd

import quorate


def turning(right: float, n_bars: int = 900):
    rng = np.random.default_rng(8)
    moves = 0.01 * np.abs(rng.normal(size=n_bars)) + 0.001
    sign = np.ones(n_bars)
    for bar in range(2, n_bars):
        sign[bar] = -sign[bar - 2] if rng.random() < right else sign[bar - 2]
    price = 100 * np.exp(np.cumsum(moves * sign))
    times = pd.date_range("2015-01-01 23:00", periods=n_bars, freq="D", tz="UTC")
    columns = dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 1.0}
    return quorate.Bars.from_frame(pd.DataFrame({"time": times, "symbol": "A", **columns}), calendar="24x7")


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("turning", turning)
'''
RECIPE: dict[str, Any] = {
    "name": "followed",
    "holdout": {"bars": 100},
    "labels": {"name": "meta", "params": {"primary": "reversal", "fast": 1}},
    "features": {"use": ["return_1", "return_2", "return_5", "volatility_5"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "ensemble": {"method": "mean", "compare": []},
    "strategy": {"name": "meta", "compare": []},
    "threshold": {"grid": [0.0], "default": 0.0, "min_bars": 60},
    "gates": {"preset": "headline"},
    "execution": {"executor": "serial"},
}


def run(folder: Path, right: float, **change: Any) -> quorate.Report:
    (folder / "turning.py").write_text(PLUGIN)
    told = {"plugins": [str(folder / "turning.py")], "data": {"source": "turning", "right": right}}
    return quorate.run({**RECIPE, **told, **change}, home=folder / "home")


def weights_and_sides(report: quorate.Report, right: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the desired weights, and what the rule said at the same bars."""
    plugin: dict[str, Any] = {}
    exec(PLUGIN, plugin)
    bars = plugin["turning"](right)
    sides = side(bars.open, "reversal", 1)[:, 0]
    decided = report.weights["weight"]
    at = {str(time): place for place, time in enumerate(bars.times.astype("datetime64[s]"))}
    places = [at[str(np.datetime64(time.tz_localize(None), "s"))] for time in decided.index]
    return decided.to_numpy(), sides[places]


def test_a_rule_that_is_nearly_always_right_is_followed(tmp_path: Path) -> None:
    report = run(tmp_path, right=0.97)
    weights, sides = weights_and_sides(report, 0.97)
    assert (weights == sides).mean() > 0.99
    told = report.predictions.dropna(subset=["label"])
    assert told["label"].mean() > 0.93
    assert told["ensemble/mean"].min() > 0.5


def test_the_veto_of_a_rule_that_guesses_is_worth_nothing(tmp_path: Path) -> None:
    report = run(tmp_path, right=0.5)
    weights, sides = weights_and_sides(report, 0.5)
    assert set(np.unique(weights)) == {-1.0, 0.0, 1.0}
    assert (weights[weights != 0] == sides[weights != 0]).all()  # followed, or not: never turned round
    told = report.predictions.dropna(subset=["label"])
    followed = told["ensemble/mean"] > 0.5
    assert 0.1 < followed.mean() < 0.9
    gained = told["label"][followed].mean() - told["label"].mean()
    noise = 0.5 * np.sqrt(1 / followed.sum() - 1 / len(told))
    assert abs(gained) < 3 * noise


def test_a_bet_is_as_large_as_the_forecast_is_sure_and_tomorrows_is_told(tmp_path: Path) -> None:
    strategy = {"name": "meta", "compare": [], "params": {"sizing": "bet", "step": 0.1}}
    report = run(tmp_path, right=0.8, strategy=strategy)
    weights, sides = weights_and_sides(report, 0.8)
    assert len(np.unique(np.abs(weights))) > 2
    assert np.allclose(weights * 10, np.rint(weights * 10))
    assert (np.sign(weights)[weights != 0] == sides[weights != 0]).all()
    found = quorate.predict(report.run_id, home=tmp_path / "home")
    assert np.allclose(found.targets[0]["weight"] * 10, np.rint(found.targets[0]["weight"] * 10))
    assert quorate.reproduce(report.run_id, home=tmp_path / "home").identical


def test_a_strategy_that_follows_a_rule_needs_a_label_that_has_one(tiny: dict[str, Any], tmp_path: Path) -> None:
    for strategy in ({"name": "meta"}, {"name": "long-flat", "compare": ["meta"]}):
        with pytest.raises(RecipeError, match=r"strategy 'meta' follows the side .* label 'direction' has none"):
            quorate.run({**tiny, "strategy": strategy}, home=tmp_path / "home")
