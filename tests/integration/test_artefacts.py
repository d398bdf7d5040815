"""Files by the names that training packages use: all are there, say what the report says, and never cost a run."""

from __future__ import annotations

import json

import numpy as np
import pytest
import yaml

import quorate
from quorate.execution.progress import Progress
from quorate.runs import artefacts, driving


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "outputs"


def read(path, name):
    return json.loads((path / name).read_text(encoding="utf-8"))


def test_a_run_writes_what_training_packages_do(home, panel, folder, monkeypatch):
    monkeypatch.setattr(driving, "now", lambda: "2026-01-31T10:20:30+00:00")
    recipe = {**panel, "artefacts": str(folder)}
    report = quorate.run(recipe, home=home)
    [own] = folder.iterdir()
    assert own.name == "run_20260131_102030"
    assert {path.name for path in own.iterdir()} == {
        *("config.yaml", "metrics.json", "metrics_valid.json", "evaluation.json", "norm_stats.json", "timing.json"),
        *("equity_drawdown.png", "monthly_returns.png", "weights.png", "forecast_vs_actual.png", "calibration.png"),
        *("confusion_matrix_valid.png", "learning_curves.png"),
    }
    assert yaml.safe_load((own / "config.yaml").read_text()) == json.loads(json.dumps(report.provenance["recipe"]))
    judged = report.results["development"]["series"][0]["metrics"]
    metrics = read(own, "metrics_valid.json")
    assert metrics == read(own, "metrics.json")
    assert {name: metrics[name.replace("-", "_")] for name in judged} == judged

    told = read(own, "evaluation.json")
    assert told["symbols_evaluated"] == len(told["per_symbol"]) == 3
    for figure in ("mae", "rmse", "direction_accuracy"):
        assert told[figure] == pytest.approx(np.mean([one[figure] for one in told["per_symbol"].values()]))
    assert told["mape"] is None  # of a class there is none
    accuracy = {row["symbol"]: row["accuracy"] for row in report.results["development"]["symbols"]}
    assert {name: one["direction_accuracy"] for name, one in told["per_symbol"].items()} == pytest.approx(accuracy)

    stats = read(own, "norm_stats.json")
    assert stats["features"] == list(report.provenance["features"])
    assert len(stats["mu"]) == len(stats["sd"]) == len(stats["features"])
    assert stats["rows"] == report.folds["train_rows"].iloc[-1]
    timing = read(own, "timing.json")
    assert sum(timing["stages"].values()) == pytest.approx(timing["total_seconds"], rel=0.01)


def test_an_opened_holdout_is_written_beside_it_and_asks_for_no_audit_of_its_own(finished, tiny, folder):
    audits = set((finished.path / "audits").iterdir())
    report = quorate.run({**tiny, "artefacts": str(folder)}, home=finished.path)
    [own] = folder.iterdir()
    metrics = read(own, "metrics_valid.json")
    opened = quorate.promote(report.run_id, home=finished.path)
    assert set((finished.path / "audits").iterdir()) == audits
    assert [path.name for path in folder.iterdir()] == [own.name]
    assert read(own, "metrics_valid.json") == metrics
    assert read(own, "metrics.json") == read(own, "metrics_test.json")
    assert read(own, "metrics_test.json")["sharpe"] == opened.standing["series"][0]["metrics"]["sharpe"]
    assert (own / "confusion_matrix_test.png").read_bytes().startswith(b"\x89PNG")


def test_where_it_writes_changes_no_result_and_two_runs_of_a_second_have_a_folder_each(home, tiny, folder, monkeypatch):

    monkeypatch.setattr(driving, "now", lambda: "2026-01-31T10:20:30+00:00")
    plain = quorate.run(tiny, home=home)
    first, second = (quorate.run({**tiny, "artefacts": str(folder)}, home=home) for _ in range(2))
    assert plain.digest == first.digest == second.digest
    assert plain.provenance["recipe_digest"] == first.provenance["recipe_digest"]
    found = {read(path, "timing.json")["run"]: path.name for path in folder.iterdir()}
    assert set(found) == {first.run_id, second.run_id}


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_computed(home, tiny, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(quorate.RecipeError, match=r"artefacts = '.*file/outputs' must be a folder that can be written"):
        quorate.run({**tiny, "artefacts": str(tmp_path / "file" / "outputs")}, home=home)
    assert quorate.list_runs(home=home).empty
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("folder", ["~nobody-by-this-name/outputs", "a\0b", "   ", "x" * 300])
def test_a_value_that_names_no_folder_is_told_before_anything_is_computed(home, tiny, folder):
    with pytest.raises(quorate.RecipeError, match=r"^artefacts = '.*' must be a folder that can be written: "):
        quorate.run({**tiny, "artefacts": folder}, home=home)
    assert quorate.list_runs(home=home).empty


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), quorate.StoreError("the disk is full")])
def test_a_folder_that_is_lost_meanwhile_loses_no_run(home, tiny, folder, monkeypatch, error):

    def full(*_):
        raise error

    monkeypatch.setattr(artefacts, "write_json", full)
    heard = []

    class Heard(Progress):
        def warn(self, message):
            heard.append(message)

    report = quorate.run({**tiny, "artefacts": str(folder)}, home=home, progress=Heard())
    assert quorate.load_report(report.run_id, home=home).digest == report.digest
    assert any("the run is stored, but its artefacts are not written" in message for message in heard)
