"""A home on a tracking server: what was run, swept and promoted is there, once, and a server that fails is no fault."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import tomli_w
from test_model_registry import EASY

import quorate
from quorate.errors import DataError, IntegrityError, StoreError
from quorate.serving import mlflow_server
from quorate.serving.mlflow_mirror import status, sync
from quorate.serving.mlflow_model import LoadedVersion
from quorate.store.trust import trust
from support.command import call
from support.homes import recipe

SECRET = "T0Zq83Lm10Wv52"
LOADING = """
import json, os, sys
from quorate.serving.mlflow_server import Server
Server()
from mlflow.telemetry.client import get_telemetry_client
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model("models:/tiny@champion")
frame = pd.read_parquet(sys.argv[1])
answers = [model.predict(frame).to_dict("records")]
telemetry = get_telemetry_client() is not None, os.environ["MLFLOW_DISABLE_TELEMETRY"]
print(json.dumps({"answers": answers, "telemetry": telemetry}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, _leased: None):
    """A folder with bars, a home with a promoted run and a sweep, and the server's database, filled as they ended."""
    folder = tmp_path_factory.mktemp("mlflow")
    frame = _bars()
    (folder / "bars").mkdir()
    table = frame.assign(date=frame["time"].dt.strftime("%Y-%m-%d"))
    table[["date", "open", "high", "low", "close"]].to_csv(folder / "bars" / "SIM001.csv", index=False)
    frame.to_parquet(folder / "frame.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'server.db'}")
        table = recipe("tiny") | {"gates": EASY, "data": {"source": "csv", "path": str(folder / "bars")}}
        report = quorate.run(table, home=folder / "home")
        early = _metrics(report.run_id)
        quorate.promote(report.run_id, home=folder / "home")
        sweep = quorate.sweep(table | {"tuning": {"trials": 2, "folds": 3}}, home=folder / "home")
    return folder, report.run_id, sweep.id, early


@pytest.fixture
def place(made, tmp_path: Path, monkeypatch):
    """The test's own copy of that home, and of the server."""
    folder = made[0]
    shutil.copytree(folder / "home", tmp_path / "home")
    trust(tmp_path / "home")
    shutil.copy(folder / "server.db", tmp_path / "server.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'server.db'}")
    return tmp_path / "home"


def _bars():
    from quorate_data.simulated import simulated

    return simulated(n_bars=520, signal=0.4).to_frame()


def _client():
    from mlflow import MlflowClient

    return MlflowClient(os.environ["MLFLOW_TRACKING_URI"])


def _run(client, name):
    [experiment] = client.search_experiments(filter_string="name = 'tiny'")
    [found] = client.search_runs([experiment.experiment_id], f"tags.`quorate.id` = '{name}'")
    return found


def _metrics(name):
    return _run(_client(), name).data.metrics


def _rows(database: Path) -> list[str]:
    with sqlite3.connect(database) as connection:
        return sorted(connection.iterdump())


def test_a_run_is_there_with_its_numbers_before_and_after_its_holdout(made, place):
    _, name, _, early = made
    report, client = quorate.load_report(name, home=place), _client()
    found = _run(client, name)
    assert not any(key.startswith("holdout/") for key in early)
    for part in ("development", "holdout"):
        judged = report.results[part]["series"][0]
        key = f"{part}/{judged['name']}/{judged['strategy']}"
        assert found.data.metrics[f"{key}/sharpe"] == judged["metrics"]["sharpe"]
        steps = client.get_metric_history(found.info.run_id, f"{key}/fold-return")
        assert [one.step for one in steps] == [fold["fold"] for fold in report.results[part]["folds"]]
        assert early.get(f"{part}/{judged['name']}/{judged['strategy']}/sharpe") in (None, judged["metrics"]["sharpe"])
    assert found.info.status == "FINISHED"
    assert found.data.params["folds.test"] == "60"
    assert found.data.tags["quorate.verdict"] == "PASS"
    assert found.data.tags["quorate.report_seal"] == report.seal
    assert found.data.tags["quorate.recipe_digest"] == report.provenance["recipe_digest"]
    stored = Path(client.download_artifacts(found.info.run_id, "report/report.json"))
    assert stored.read_bytes() == (place / "runs" / name / "report.json").read_bytes()
    assert {Path(one.path).name for one in client.list_artifacts(found.info.run_id, "report")} == {
        "report.json", "recipe.toml", "report.md", "report.html",
    }  # fmt: skip


def test_trials_lie_below_their_sweep(made, place):
    _, _, name, _ = made
    client = _client()
    parent = _run(client, name)
    trials = client.search_runs([parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    sweep = quorate.load_sweep(name, home=place)
    assert {one.info.run_name for one in trials} == {
        f"{search}-{trial['trial']}" for search, one in sweep.document["searches"].items() for trial in one["trials"]
    }
    one = next(one for one in trials if one.info.run_name == "ridge-0")
    trial = sweep.document["searches"]["ridge"]["trials"][0]
    assert (one.data.params["alpha"], one.data.metrics["loss"]) == (
        json.dumps(trial["params"]["alpha"]),
        trial["value"],
    )
    assert parent.data.metrics["ridge/own"] == sweep.document["searches"]["ridge"]["own"]["value"]


def test_what_is_there_is_not_sent_again(place):
    before = _rows(place.parent / "server.db")
    assert {one.state for one in sync(home=place)} == {"there"}
    assert _rows(place.parent / "server.db") == before
    assert call("mlflow", "status", "--home", place).exit_code == 0


def test_a_version_follows_its_stages(place):
    client, registry = _client(), quorate.ModelRegistry(place)
    model = client.get_registered_model("tiny")
    assert {name: int(version) for name, version in model.aliases.items()} == {"candidate": 1}
    registry.stage("tiny@1", "champion")
    version = client.get_model_version_by_alias("tiny", "champion")
    assert (version.tags["quorate.stage"], version.tags["quorate.version"]) == ("champion", "tiny@1")
    assert set(client.get_registered_model("tiny").aliases) == {"champion"}
    registry.stage("tiny@1", "retired")
    assert client.get_registered_model("tiny").aliases == {}
    assert client.get_model_version("tiny", "1").tags["quorate.stage"] == "retired"


def _same(answers, expected):
    [target] = expected.targets
    for [found] in answers:
        for name in ("symbol", "weight", "score", "prediction"):
            assert found[name] == target[name], name
        assert {name: found[f"member/{name}"] for name in target["members"]} == target["members"]
        assert found["decided"] == expected.decided


def test_a_version_is_loaded_by_our_own_code_and_forecasts_bit_for_bit(made, place):
    folder, version = made[0], quorate.ModelRegistry(place).get("tiny@1")
    source = Path(_client().get_model_version("tiny", "1").source.removeprefix("file://"))
    loaded = LoadedVersion(source / "home")
    answers = [loaded.predict(data).to_dict("records") for data in (str(folder / "bars"), _bars())]
    _same(answers, version.predict(folder / "bars"))
    with pytest.raises(DataError, match="takes no params; there were depth"):
        loaded.predict(None, {"depth": 3})


@pytest.mark.full
def test_a_version_that_mlflow_loads_in_another_process_forecasts_bit_for_bit(made, place):
    folder = made[0]
    quorate.ModelRegistry(place).stage("tiny@1", "champion")
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "MLFLOW_DISABLE_TELEMETRY")}
    done = subprocess.run(
        [sys.executable, "-c", LOADING, folder / "frame.parquet"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["telemetry"] == [False, "true"]
    _same(told["answers"], quorate.ModelRegistry(place).get("tiny@1").predict(folder / "bars"))


def test_nothing_that_is_sent_is_pickled_and_a_changed_file_is_not_loaded(made, place, tmp_path):
    client = _client()
    version = client.get_model_version("tiny", "1")
    folder = Path(shutil.copytree(version.source.removeprefix("file://"), tmp_path / "model"))
    endings = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert endings == {"", ".txt", ".json", ".toml", ".parquet", ".safetensors"}
    assert "loader_module: quorate.serving.mlflow_model" in (folder / "MLmodel").read_text()
    table = next((folder / "home").rglob("predictions.parquet"))
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(IntegrityError, match=r"predictions.parquet is not as it was when the version was registered"):
        LoadedVersion(folder / "home")


def test_mlflow_sends_no_telemetry(place):
    mlflow_server.Server()
    from mlflow.telemetry.client import get_telemetry_client

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert get_telemetry_client() is None


def test_a_run_that_could_not_be_mirrored_is_the_same_run(place, monkeypatch):
    table = recipe("tiny") | {"name": "alone"}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://desk:{SECRET}@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (place.parent / "alone.toml").write_text(tomli_w.dumps(table))
    done = call("run", place.parent / "alone.toml", "--home", place, "--json")
    assert done.exit_code == 0
    name = json.loads(done.stdout)["provenance"]["run"]
    assert f"{name} is not mirrored: the tracking server http://127.0.0.1:9 cannot be used" in done.stderr
    assert f"quorate mlflow sync {name} sends what is missing" in done.stderr
    assert SECRET not in done.output
    assert not any(SECRET.encode() in one.read_bytes() for one in (place / "runs" / name).rglob("*") if one.is_file())
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    alone = quorate.run(table, home=place)
    stored = quorate.load_report(name, home=place)
    assert stored.provenance["results_digest"] == alone.provenance["results_digest"]
    assert stored.results["development"]["warnings"] == alone.results["development"]["warnings"]
    failed = call("mlflow", "sync", "--home", place)
    assert failed.exit_code == 2
    assert "MLFLOW_TRACKING_URI names the tracking server" in failed.stderr


def test_what_was_stopped_midway_is_completed_and_what_is_missing_is_told(place, monkeypatch):
    with monkeypatch.context() as without:
        without.delenv("MLFLOW_TRACKING_URI")
        name = quorate.run(recipe("tiny") | {"gates": EASY}, home=place).run_id
    assert [(one.kind, one.state) for one in status([name], home=place)] == [("run", "missing")]
    with monkeypatch.context() as broken:
        broken.setattr("mlflow.MlflowClient.log_text", _gone)
        with pytest.raises(StoreError, match="cannot be used: ConnectionError: the server is gone"):
            sync([name], home=place)
    done = call("mlflow", "status", name, "--home", place)
    assert (done.exit_code, "1 changed: quorate mlflow sync sends" in done.stdout) == (1, True)
    begun = _run(_client(), name).info.run_id
    assert [one.state for one in sync([name], home=place)] == ["sent"]
    assert _run(_client(), name).info.run_id == begun
    with monkeypatch.context() as without:
        without.delenv("MLFLOW_TRACKING_URI")
        quorate.promote(name, home=place)
    assert [(one.id, one.state) for one in status([name], home=place)] == [
        (name, "changed"), ("tiny@1", "there"), ("tiny@2", "missing"),
    ]  # fmt: skip
    shutil.rmtree(place / "runs" / name)  # its version has it still
    assert {one.id for one in sync(home=place) if one.state == "sent"} == {name, "tiny@2"}
    assert {one.state for one in status(home=place)} == {"there"}


def test_a_damaged_run_keeps_no_other_from_being_sent(made, place):
    report = place / "runs" / made[1] / "report.json"
    content = report.read_text()
    report.unlink()
    report.write_text(content.replace('"verdict": "PASS"', '"verdict": "FAIL"', 1))
    done = call("mlflow", "sync", "--home", place)
    assert done.exit_code == 1
    assert f"run {made[1]} is damaged, and left out" in done.stderr
    assert "1 there, 1 damaged" in done.stdout
    done = call("mlflow", "sync", made[1], "--home", place)
    assert (done.exit_code, "it has another seal" in done.stderr) == (1, True)


def test_a_run_that_is_not_there_is_an_error_and_the_server_is_left_alone(place, monkeypatch):
    monkeypatch.setattr(mlflow_server, "Server", lambda: pytest.fail("it was asked"))
    done = call("mlflow", "sync", "nothing", "--home", place)
    assert done.exit_code == 1
    assert "nothing" in done.stderr


def _gone(*_, **__):
    raise ConnectionError("the server is gone")
