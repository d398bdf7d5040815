"""Bar by bar, a run's models say what they said in the backtest, bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.execution.progress import Progress
from quorate.plugins.registry import Registry
from quorate.plugins.specs import ModelSpec
from quorate.runs.loaded import load_report
from quorate.runs.models import RunModels, models_of
from quorate.runs.stored import reopen
from quorate.serving import forecaster, members
from support.homes import recipe


def _models(home: Path) -> RunModels:
    report = load_report(home=home)
    return models_of(report, *reopen(report, Progress()))


def _replayed(table: dict[str, Any], home: Path, every: bool = False) -> quorate.Replay:
    keep = {"executor": "serial", "keep_models": "all" if every else "last"}
    quorate.run({**table, "execution": keep}, home=home)
    found = quorate.replay(home=home, every=every)
    assert found.differences == []
    assert found.identical
    assert found.fitted_again == []
    return found


def test_all_folds_of_a_run_are_what_they_were(home: Path) -> None:
    found = _replayed(recipe("tiny"), home, every=True)
    assert (found.folds, found.bars, found.weights) == ([0, 1, 2], 170, 170)
    assert found.forecasts == 3 * 170
    assert found.orders > 0


@pytest.mark.parametrize(
    "change",
    [
        {"ensemble": {"method": "hedge"}},
        {"ensemble": {"method": "logistic-stack", "calibration": "isotonic"}},
        {"strategy": {"name": "long-short", "risk": {"stop": 0.05, "max_bars": 10, "volatility": 0.1}}},
        {"models": {"logistic": {"seeds": 2}, "ridge": {}, "majority": {}}},
        {"strategy": {"name": "long-short"}, "backtest": {"lots": 10, "band": 0.02, "rebalance": "weekly"}},
    ],
    ids=["weights of each bar", "calibrated", "limits", "seeds", "order rules"],
)
def test_so_are_other_ways_to_combine_and_to_trade(home: Path, change: dict[str, Any]) -> None:
    _replayed(recipe("tiny") | change, home)


def test_so_are_panels_with_intervals(home: Path) -> None:
    table = recipe("panel") | {
        "labels": {"name": "return"},
        "models": {"ridge": {}, "lightgbm": {"n_estimators": 10}},
        "ensemble": {"interval": "adaptive"},
        "strategy": {"name": "top-k", "params": {"k": 1}},
    }
    found = _replayed(table, home)
    assert found.weights == 3 * found.bars
    models = _models(home)
    served = forecaster.Forecaster(models).at(models.walk.bars).symbols
    assert all(len(one["quantiles"]) > 1 for one in served)


def test_a_model_that_answers_otherwise_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quorate.run(recipe("tiny"), home=home)
    asked = members.Ready.__call__

    def otherwise(self: members.Ready, *args: Any) -> Any:
        values, others = asked(self, *args)
        return values * (1 + 2e-16 * (self.task.model == "ridge")), others

    monkeypatch.setattr(members.Ready, "__call__", otherwise)
    found = quorate.replay(home=home)
    assert not found.identical
    assert any("model 'ridge'" in line for line in found.differences)
    assert not any("model 'logistic'" in line for line in found.differences)


def test_bars_may_come_several_at_a_time_and_no_later_one_is_read(home: Path) -> None:
    quorate.run(recipe("tiny"), home=home)
    models = _models(home)
    bars, first = models.walk.bars, models.fold(None).first
    one, other = forecaster.Forecaster(models), forecaster.Forecaster(models)
    for bar in (first + 1, first + 7, first + 20):
        for step in range(bar - 5, bar + 1):
            if step >= first:
                last = one.at(bars.take(0, step + 1))
        assert other.at(bars.take(0, bar + 1)) == last


def test_what_is_no_longer_history_of_the_run_is_refused(home: Path) -> None:
    quorate.run(recipe("tiny"), home=home)
    models = _models(home)
    with pytest.raises(quorate.DataError, match="go on after"):
        forecaster.Forecaster(models).at(models.walk.bars.take(0, models.fold(None).first))


def test_revised_bars_and_fewer_than_before_are_refused(home: Path) -> None:
    quorate.run(recipe("tiny"), home=home)
    models = _models(home)
    bars, first = models.walk.bars, models.fold(None).first
    served = forecaster.Forecaster(models)
    close = bars.close.copy()
    close[5] *= 1.01
    with pytest.raises(quorate.DataError, match=r"then: close of SIM001 at 2000-01-10T21.*Was the history revised"):
        served.at(replace(bars, close=close).take(0, first + 3))
    served.at(bars.take(0, first + 3))
    with pytest.raises(quorate.DataError, match="bars must go on"):
        served.at(bars.take(0, first + 2))


def test_the_command_tells_and_exits_by_it(home: Path) -> None:
    run = quorate.run(recipe("tiny"), home=home)
    found = CliRunner().invoke(app, ["replay", "--home", str(home)])
    assert found.exit_code == 0
    assert f"{run.run_id}, fold 2: " in found.output
    assert "nothing differs" in found.output
    told = json.loads(CliRunner().invoke(app, ["replay", "--json", "--home", str(home)]).stdout)
    assert (told["identical"], told["mismatches"]) == (True, 0)


def _built_in(registry: Registry, task: str, ranks: bool = False) -> dict[str, dict[str, Any]]:
    """Return all models for a task whose fits can be kept, by the few steps that an audit gives them."""
    specs = [one.spec for one in registry if isinstance(one.spec, ModelSpec)]
    suited = [one for one in specs if one.task in ("any", task, "regression") and one.ranks == ranks]
    return {one.name: dict(one.audit_params) for one in suited if one.state_dict is not None}


@pytest.mark.full
@pytest.mark.parametrize("label", ["direction", "return"])
def test_every_built_in_model_is_what_it_was(home: Path, label: str) -> None:
    models = _built_in(Registry.load(environment=False), "classification" if label == "direction" else "regression")
    folds = {"initial": 340, "test": 80}
    found = _replayed(recipe("tiny") | {"labels": {"name": label}, "models": models, "folds": folds}, home)
    assert found.folds == [0]
    assert found.forecasts == found.bars * (1 + len(models))


@pytest.mark.full
def test_so_is_every_built_in_ranker(home: Path) -> None:
    models = _built_in(Registry.load(environment=False), "regression", ranks=True)
    assert models
    table = recipe("panel") | {"labels": {"name": "rank"}, "ensemble": {"calibration": "bar-rank"}}
    _replayed(table | {"models": {**models, "ridge": {}}, "strategy": {"name": "top-k", "params": {"k": 1}}}, home)
