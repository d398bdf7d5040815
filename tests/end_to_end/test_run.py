"""Whole runs: what a user starts, and what must hold of it."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.errors import DataError, FitError, RecipeError
from quorate.execution import machine
from quorate.report import console
from quorate.report.terminal import render
from quorate.runs.predict import predict
from quorate.runs.reproduce import as_then, has_rules_of_today, reproduce

pytestmark = pytest.mark.usefixtures("home")

RIDGE = """
import quorate

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec(
        "my-ridge", "sklearn.linear_model:Ridge", task="regression", params={"alpha": 1.0}, requires=("scikit-learn",)
    )
"""


def same_predictions(one: quorate.Report, other: quorate.Report) -> bool:
    columns = [c for c in one.predictions if c.startswith(("member/", "ensemble/"))]
    return columns == [c for c in other.predictions if c.startswith(("member/", "ensemble/"))] and all(
        one.predictions[c].to_numpy().tobytes() == other.predictions[c].to_numpy().tobytes() for c in columns
    )


@pytest.mark.full
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_draws_of_planted_pass_and_of_noise_do_not(seed: int) -> None:
    sets = [f"data.seed={seed}", "models.gradient-boosting=false", "models.lightgbm=false"]
    assert quorate.promote(quorate.run("planted", overrides=sets).run_id).promoted
    assert not quorate.promote(quorate.run("noise", overrides=sets).run_id).promoted


def test_one_worker_and_two_give_the_same_bytes(small: dict[str, object]) -> None:
    small["models"] = {"logistic": {}, "lightgbm": {"n_estimators": 10}, "mlp": {"epochs": 2}}
    one, two = (
        quorate.run({**small, "execution": {"executor": executor, "workers": n, "cache": False}})
        for executor, n in (("serial", 0), ("processes", 2))
    )
    assert (one.telemetry["executor"], two.telemetry["executor"]) == ("serial", "processes")
    assert same_predictions(one, two)
    assert one.digest == two.digest


def test_the_recipe_that_a_run_keeps_runs_to_the_same_digest_and_the_same_numbers(small: dict[str, object]) -> None:
    first = quorate.run(small)
    assert first.source is not None
    again = quorate.run(first.source.path / "recipe.toml")
    assert again.provenance["recipe_digest"] == first.provenance["recipe_digest"]
    assert again.digest == first.digest


def test_a_run_under_other_costs_is_another_run(small: dict[str, object]) -> None:
    cheap = quorate.run({**small, "costs": {"fees": 0.0, "slippage": 0.0}})
    wild = quorate.run({**small, "costs": {"model": "range", "share": 0.3}})
    returns = [r.results["development"]["series"][0]["metrics"]["total-return"] for r in (cheap, wild)]
    assert returns[0] > returns[1]
    assert wild.provenance["recipe"]["costs"] == {
        "model": "range",
        "fees": 0.0005,
        "share": 0.3,
        "window": 20,
        "most": 0.05,
    }


def test_the_same_series_has_the_same_p_values_whatever_recipe_it_comes_from(small: dict[str, object]) -> None:
    models = {"small": {"plugin": "ridge"}, "large": {"plugin": "ridge", "alpha": 1e4}}
    one = {**small, "models": models, "gates": {"preset": "standard"}}
    other = {**one, "name": "other", "seed": 123, "models": {f"my-{name}": given for name, given in models.items()}}
    found = [quorate.run(recipe).results["development"] for recipe in (one, other)]
    assert found[0]["digests"]["equity"] == found[1]["digests"]["equity"]
    judged = [{gate["gate"]: gate for gate in part["gates"]} for part in found]
    for name in ("max-drawdown", "spa", "stepm", "mcs"):
        first, second = (gates[name] for gates in judged)
        assert (first["value"], first["uncertainty"]) == (second["value"], second["uncertainty"]), name
        assert first["inputs"]["seed"] == second["inputs"]["seed"]
        assert first["inputs"]["seed"] not in (one.get("seed"), 123)
    gains = [{**part["members"]["gain"], "best-member": ""} for part in found]
    assert gains[0] == gains[1]
    assert math.isfinite(gains[0]["low"])


def test_other_bars_seed_other_draws(small: dict[str, object]) -> None:
    data = {**small["data"], "seed": 99}  # type: ignore[dict-item]
    seeds = [
        quorate.run(recipe).results["development"]["members"]["gain"]["seed"]
        for recipe in (small, {**small, "data": data})
    ]
    assert seeds[0] != seeds[1]


def test_a_plugin_file_may_change_or_vanish_after_the_run(tmp_path: Path, small: dict[str, object]) -> None:
    plugin = tmp_path / "ridge.py"
    plugin.write_text(RIDGE)
    report = quorate.run(small, plugins=[plugin])
    plugin.unlink()
    assert reproduce(report.run_id).identical
    assert quorate.promote(report.run_id).results["holdout"] is not None


@pytest.mark.parametrize("executor", ["serial", pytest.param("ray", marks=pytest.mark.full)])
def test_a_failing_model_stops_the_run_and_names_itself(
    tmp_path: Path, small: dict[str, object], executor: str
) -> None:
    plugin = tmp_path / "bad.py"
    plugin.write_text(
        "import quorate\n"
        "class Bad:\n"
        "    def fit(self, X, y): raise ZeroDivisionError('on purpose')\n"
        "@quorate.hookimpl\n"
        "def quorate_models():\n"
        "    yield quorate.ModelSpec('bad', Bad)\n"
    )
    said = r"model 'bad' \(.*bad.py, sha256 .*\) failed on fold \d.*ZeroDivisionError: on purpose"
    with pytest.raises(FitError, match=said):
        quorate.run({**small, "execution": {"executor": executor, "workers": 1}}, plugins=[plugin])


def test_reproduce_says_what_differs(small: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    from quorate.walkforward import members as fitting

    report = quorate.run(small)
    collect = fitting.collect

    def otherwise(*args: Any) -> Any:
        predictions = collect(*args)
        row = np.flatnonzero(np.isfinite(predictions[:, 0]))[3]
        predictions[row, 0] += 1e-9
        return predictions

    monkeypatch.setattr("quorate.walkforward.part.collect", otherwise)
    result = reproduce(report.run_id)
    assert not result.identical
    assert result.differing == 1
    assert result.largest == pytest.approx(1e-9, rel=1e-3)
    assert any("digests.predictions" in line for line in result.differences)


def test_the_holdout_is_counted_once_per_recipe(small: dict[str, object]) -> None:
    for _ in range(2):
        promoted = quorate.promote(quorate.run(small).run_id)
        quorate.promote(promoted.run_id)
        assert promoted.provenance["holdout"]["recipes_that_opened_it"] == 1
    other = quorate.promote(quorate.run({**small, "seed": 8}).run_id)
    assert other.provenance["holdout"]["recipes_that_opened_it"] == 2


def test_the_development_never_sees_the_holdout(small: dict[str, object]) -> None:
    """Only where the holdout lies may matter, never what is in it."""
    shorter = {**small, "data": {**small["data"], "n_bars": 550}, "holdout": {"bars": 0}}  # type: ignore[dict-item]
    assert quorate.run(small).results["development"] == quorate.run(shorter).results["development"]


def test_predict_uses_what_is_known_and_agrees_with_the_walk_forward(small: dict[str, object]) -> None:
    report = quorate.run(small)
    prediction = predict(report.run_id)
    assert prediction.decided.startswith(report.provenance["data"]["last"])
    (target,) = prediction.targets
    assert sum(prediction.weights.values()) == pytest.approx(1)
    combined = sum(prediction.weights[m] * p for m, p in target["members"].items())
    assert target["prediction"] == pytest.approx(combined, abs=1e-12)
    assert target["score"] == pytest.approx(2 * combined - 1, abs=1e-12)
    assert target["weight"] == float(target["score"] > prediction.threshold)
    # 700 bars, of which the last two have no label yet; 20 warm-up bars have no features.
    assert prediction.train_rows == len(report.predictions) + int(report.folds["train_rows"][0]) + 2 + 150 - 2


def test_a_users_own_csv_runs_promotes_and_predicts(tmp_path: Path, small: dict[str, object]) -> None:
    from quorate_data.simulated import simulated

    bars = simulated(n_bars=720, signal=0.4, seed=1)
    frame = bars.to_frame()
    frame["Date"] = frame["time"].dt.strftime("%Y-%m-%d")
    frame = frame.rename(columns=str.capitalize)[["Date", "Open", "High", "Low", "Close", "Volume"]]
    frame[:700].to_csv(tmp_path / "mine.csv", index=False)
    recipe = {**small, "data": {"source": "csv", "path": str(tmp_path / "mine.csv"), "symbol": "MINE"}}
    report = quorate.run(recipe)
    assert report.provenance["data"]["symbols"] == ["MINE"]
    # What was stored counts, not what the file says today.
    frame.to_csv(tmp_path / "longer.csv", index=False)
    (tmp_path / "mine.csv").unlink()
    assert quorate.promote(report.run_id).results["holdout"]["span"]["bars"] == 150
    ahead = predict(report.run_id, data=tmp_path / "longer.csv")
    assert ahead.decided.startswith(str(bars.sessions[-1]))
    assert ahead.targets[0]["symbol"] == "MINE"
    with pytest.raises(DataError, match="there is no"):
        predict(report.run_id)


def test_a_panel_with_a_late_listing_runs(tmp_path: Path, small: dict[str, object]) -> None:
    from quorate_data.simulated import simulated

    frame = simulated(n_bars=700, n_symbols=3, signal=0.4, seed=2).to_frame()
    late = frame["time"].drop_duplicates().sort_values().iloc[420]
    frame = frame[(frame["symbol"] != "SIM003") | (frame["time"] >= late)]
    frame.to_csv(tmp_path / "panel.csv", index=False)
    report = quorate.run({**small, "data": {"source": "csv", "path": str(tmp_path / "panel.csv")}})
    assert report.provenance["data"]["symbols"] == ["SIM001", "SIM002", "SIM003"]
    first = report.predictions.reset_index().groupby("symbol")["time"].min()
    assert first["SIM003"] > late > first["SIM001"]
    weights = report.weights.reset_index().pivot(index="time", columns="symbol", values="weight")
    assert float(weights.abs().sum(axis=1).max()) <= 1 + 1e-12


def test_return_labels_run_with_regression_models(small: dict[str, object]) -> None:
    report = quorate.run({**small, "labels": {"name": "return"}, "models": {"ridge": {}}})
    assert [s["name"] for s in report.results["development"]["series"]] == [
        "past-performance",
        "past-performance",
        "mean",
        "mean",
        "past-mean",
        "persistence",
        "ridge",
        "buy-and-hold",
    ]
    assert (
        report.folds["threshold"].isin([0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.007, 0.01]).all()
    )
    # Ridge and the baselines once a fold, whatever the threshold.
    assert report.telemetry["fits"] == 3 * len(report.folds)
    grid = report.grid
    assert len(grid) == 7 * 10
    assert set(grid["role"]) == {"ensemble", "alternative", "member", "baseline"}
    text = io.StringIO()
    render(report, console.Console(file=text, width=140, color_system=None), ["thresholds"])
    table = text.getvalue().partition("Sharpe by threshold")[2]
    line = next(line for line in table.splitlines() if line.startswith(" ridge "))
    told = grid[grid["name"] == "ridge"].sort_values("threshold")["sharpe"]
    assert line.split()[1:] == [console.figure(value, ".2f") for value in told]
    with pytest.raises(RecipeError, match="is a classifier"):
        quorate.run({**small, "labels": {"name": "return"}})


@pytest.mark.parametrize("label", ["direction", "return"])
def test_a_report_of_several_symbols_has_a_table_of_them(panel: dict[str, object], label: str) -> None:
    report = quorate.run({**panel, "models": {"ridge": {}}, "labels": {"name": label}})
    rows = report.results["development"]["symbols"]
    assert [row["symbol"] for row in rows] == ["SIM001", "SIM002", "SIM003"]
    known = report.predictions[report.predictions["label"].notna()]
    for row in rows:
        own = known[known["symbol"] == row["symbol"]]
        y, p = own["label"].to_numpy(), own["ensemble/past-performance"].to_numpy()
        assert row["rows"] == len(own)
        level = 0.5 if label == "direction" else 0.0
        assert row["accuracy"] == pytest.approx(np.mean((y > level) == (p > level)))
        assert row["mase"] == pytest.approx(np.abs(y - p).mean() / np.abs(y - own["naive"]).mean())
        errors = row["pct-mae"], row["pct-naive"]
        if label == "direction":
            assert errors == (None, None)
        else:
            assert errors == pytest.approx((np.mean(np.abs(y - p) / (1 + y)), np.mean(np.abs(y) / (1 + y))))
    measured = report.metrics.iloc[0]
    assert np.isnan(float(measured["pct-mae"] or np.nan)) == (label == "direction")
    text = io.StringIO()
    render(report, console.Console(file=text, width=140, color_system=None), ["symbols"])
    [heading] = [line.split() for line in text.getvalue().splitlines() if line.startswith(" symbol ")]
    assert heading[:3] == ["symbol", "rows", "Sharpe"]
    assert ("error" in heading) == (label == "return")


def test_what_an_earlier_version_did_not_tell_is_no_difference() -> None:
    then = {"verdict": "PASS", "series": [{"name": "a", "metrics": {"sharpe": 1.0}}]}
    now = {"verdict": "PASS", "series": [{"name": "a", "metrics": {"sharpe": 2.0, "pct-mae": 0.1}}], "symbols": [{}]}
    expected = {"verdict": "PASS", "series": [{"name": "a", "metrics": {"sharpe": 2.0}}]}
    assert as_then(then, now) == expected
    assert as_then(now, now) == now


def test_what_gates_rested_on_is_compared_where_it_was_told_then() -> None:
    gate = {"gate": "spa", "verdict": "PASS", "inputs": {"block": 3.0}}
    then = {"series": [], "gates": [gate]}
    now = {"series": [], "gates": [gate | {"inputs": {"block": 4.0, "least": 126}}]}
    assert as_then(then, now)["gates"] == [gate | {"inputs": {"block": 4.0}}]
    assert now["gates"][0]["inputs"]["least"] == 126
    assert not has_rules_of_today(then)
    assert has_rules_of_today(now)


def test_the_report_of_a_notebook_has_tables_that_agree_with_the_json(small: dict[str, object]) -> None:
    report = quorate.run(small)
    assert report.source is not None
    stored = json.loads((report.source.path / "report.json").read_text())
    assert stored == json.loads(json.dumps(report.document))
    metrics = report.metrics.set_index("name")
    assert metrics.loc["buy-and-hold", "sharpe"] == stored["results"]["development"]["series"][-1]["metrics"]["sharpe"]
    equity = report.equity["past-performance/long-flat"].to_numpy()
    returns = equity[1:] / equity[:-1] - 1
    assert report.gates.set_index("gate").loc["sharpe", "value"] == pytest.approx(
        returns.mean() / returns.std(ddof=1) * np.sqrt(252)
    )
    trades = report.trades
    mine = trades[trades["series"] == "past-performance/long-flat"]
    assert 100_000 + mine["pnl"].sum() == pytest.approx(equity[-1], abs=0.01)
    assert (trades["entered"] > trades["decided"]).all()
    assert set(report.fits["model"]) == {"logistic", "lightgbm", "majority", "persistence"}
    assert len(report.folds) == 3
    assert pd.api.types.is_datetime64_any_dtype(report.predictions.index)


def test_stage_timings_add_up_to_the_whole(small: dict[str, object]) -> None:
    telemetry = quorate.run(small).telemetry
    assert sum(telemetry["stages"].values()) == pytest.approx(telemetry["seconds"], rel=0.01)
    assert telemetry["peak_memory_mib"] > 50


def test_degenerate_opens_draw_a_warning(small: dict[str, object]) -> None:
    recipe = {**small, "data": {"source": "bundled", "dataset": "sp500"}, "holdout": {"fraction": 0.85}}
    report = quorate.run({**recipe, "models": {"logistic": {}}})
    assert any("opens equal the close before" in w for w in report.results["development"]["warnings"])
    quiet = quorate.run({**recipe, "models": {"logistic": {}}, "backtest": {"fill": "close"}})
    assert not any("opens equal" in w for w in quiet.results["development"]["warnings"])


def test_the_holdout_continues_the_same_walk_forward(small: dict[str, object]) -> None:
    """What its first fold uses is what a run without a holdout would use there."""
    promoted = quorate.promote(quorate.run({**small, "holdout": {"bars": 200}}).run_id)
    through = quorate.run({**small, "holdout": {"bars": 0}})
    folds = through.results["development"]["folds"]
    assert promoted.results["holdout"]["folds"] == folds[2:]
    assert folds[2]["weights"] != {"lightgbm": 0.5, "logistic": 0.5}
    assert same_predictions(promoted, through)


def test_a_recipe_edited_after_the_run_is_refused(small: dict[str, object]) -> None:
    report = quorate.run(small)
    assert report.source is not None
    path = report.source.path / "report.json"
    document = json.loads(path.read_text())
    document["provenance"]["recipe"]["gates"]["sharpe"]["threshold"] = -9.0
    path.write_text(json.dumps(document))
    for command in (quorate.promote, reproduce, predict):
        with pytest.raises(quorate.IntegrityError, match="was changed after the run: it has another seal"):
            command(report.run_id)


def test_versions_that_changed_before_the_holdout_are_told_and_kept(
    small: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = quorate.run(small)
    now = machine.libraries()
    monkeypatch.setattr("quorate.execution.machine.libraries", lambda: {**now, "numpy": "9.9"})
    promoted = quorate.promote(report.run_id)
    assert any("numpy" in w and "9.9" in w for w in promoted.results["holdout"]["warnings"])
    assert promoted.provenance["holdout"]["libraries"]["numpy"] == "9.9"
    assert promoted.provenance["libraries"]["numpy"] == now["numpy"]


def test_the_order_of_models_in_a_recipe_changes_nothing(small: dict[str, object]) -> None:
    models = small["models"]
    assert isinstance(models, dict)
    backwards = {**small, "models": dict(reversed(models.items()))}
    assert quorate.run(small).digest == quorate.run(backwards).digest


SCORES = """
import numpy as np
import quorate

class Score:
    def __init__(self, width=0.3):
        self.width = width

    def fit(self, X, y):
        return self

    def predict(self, X):
        return 0.5 + self.width * np.sign(X[:, 0]) * (np.abs(X[:, 0]) > 0.003)

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("score", Score, task="regression")
"""


def test_predictions_that_are_cut_are_told(tiny: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCORES)
    recipe = {**tiny, "plugins": [str(tmp_path / "score.py")], "models": {"logistic": {}, "ridge": {"alpha": 0.001}}}
    warned = quorate.run({**recipe, "models": {"logistic": {}, "score": {"width": 0.5}}})
    [told] = [text for text in warned.results["development"]["warnings"] if "cut off" in text]
    share = warned.predictions["member/score"].isin([0.0, 1.0]).mean()
    assert told.startswith(f"{share:.1%} of the predictions of 'score', a regression of a class, are 0 or 1")
    assert reproduce(warned.run_id).identical
    quiet = quorate.run({**recipe, "plugins": [], "models": {"logistic": {}, "ridge": {}}})
    assert not any("cut off" in text for text in quiet.results["development"]["warnings"])
