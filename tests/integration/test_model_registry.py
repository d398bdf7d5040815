"""From a verdict to a registered version: what is promoted is registered, and nothing else is but on record."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.errors import IntegrityError, RecipeError
from quorate.evidence.ledger import record_override
from quorate.serving.forecaster import Forecaster
from quorate.store import Home
from quorate.store.trust import trust
from support.homes import recipe

EASY = {
    "preset": "headline",
    "sharpe": {"threshold": -50.0},
    "max-drawdown": {"threshold": 0.99},
    "win-rate": {"threshold": 0.01},
    "sample-size": {"trades": 1, "least_trades": 1, "bars": 20},
}
HARD = {**EASY, "sharpe": {"threshold": 50.0}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, _leased: None) -> Path:
    """A home with two versions of an ensemble, and a run that failed."""
    home = tmp_path_factory.mktemp("registry") / "home"
    for C in (1.0, 0.5):
        table = recipe("tiny") | {"gates": EASY, "models": {"logistic": {"C": C}, "ridge": {}}}
        quorate.promote(quorate.run(table, home=home).run_id, home=home)
    quorate.promote(quorate.run(recipe("tiny") | {"name": "bad", "gates": HARD}, home=home).run_id, home=home)
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "home")
    trust(tmp_path / "home")
    return tmp_path / "home"


def _run(home: Path, name: str) -> str:
    return next(run.id for run in Home(home).runs() if name in run.id)


def _quorate(home: Path, *args: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, [*args, "--home", str(home)], env={"COLUMNS": "120"})
    return found.exit_code, found.output


def test_what_passes_is_registered_and_what_fails_is_not(home: Path) -> None:
    found = quorate.ModelRegistry(home).versions()
    assert list(zip(found["name"], found["version"], found["stage"], strict=True)) == [
        ("tiny", 1, "candidate"),
        ("tiny", 2, "candidate"),
    ]
    version = quorate.ModelRegistry(home).get("tiny@2")
    assert version.document["verdict"] == "PASS"
    assert {one["model"] for one in version.document["models"]} == {"logistic", "ridge"}
    assert version.document["report_seal"] == quorate.load_report(version.standing.run, home=home).seal


def test_to_promote_again_registers_nothing_twice(home: Path) -> None:
    run = quorate.ModelRegistry(home).get("tiny@1").standing.run
    quorate.promote(run, home=home)
    assert quorate.register(run, home=home).standing.label == "tiny@1"
    assert len(quorate.ModelRegistry(home).versions()) == 2


def test_a_version_forecasts_as_its_run_and_needs_nothing_else_of_the_home(home: Path) -> None:
    version = quorate.ModelRegistry(home).get("tiny@2")
    expected = quorate.predict(version.standing.run, kept=True, home=home)
    for name in ("runs", "models", "bars", "fits", "kept"):
        shutil.rmtree(home / name, ignore_errors=True)
    found = quorate.ModelRegistry(home).get("tiny@2").predict()
    assert found.targets == expected.targets
    assert found.weights == expected.weights
    assert found.kept is not None
    assert found.kept["fitted_again"] == []


def test_a_failing_run_is_registered_by_a_recorded_override_alone(home: Path) -> None:
    bad = _run(home, "-bad-")
    with pytest.raises(RecipeError, match=r'its verdict is FAIL: quorate override .* --reason "\.\.\."'):
        quorate.register(bad, home=home)
    record_override(Home(home), bad, "FAIL", "paper trading until June")
    version = quorate.register(bad, home=home)
    assert (version.standing.label, version.standing.override) == ("bad@1", "paper trading until June")
    assert version.document["verdict"] == "FAIL"
    assert "overridden" in _quorate(home, "registry")[1]


def test_an_override_that_the_ledger_does_not_know_opens_nothing(home: Path) -> None:
    bad = _run(home, "-bad-")
    other = shutil.copytree(home, home.parent / "other")
    trust(other)
    record_override(Home(other), bad, "FAIL", "elsewhere")
    shutil.copy(other / "runs" / bad / "override.json", home / "runs" / bad / "override.json")
    with pytest.raises(RecipeError, match="only what was promoted is registered"):
        quorate.register(bad, home=home)


def test_a_report_that_was_edited_to_pass_is_refused(home: Path) -> None:
    from quorate.report.report import Report

    bad = _run(home, "-bad-")
    path = home / "runs" / bad / "report.json"
    document = json.loads(path.read_text().replace('"verdict": "FAIL"', '"verdict": "PASS"'))
    document["seal"] = Report(document).seal
    path.write_text(json.dumps(document))
    with pytest.raises(IntegrityError, match="is not what the ledger knows: its report"):
        quorate.register(bad, home=home)


def test_a_run_whose_holdout_is_closed_is_no_version(home: Path) -> None:
    run = quorate.run(recipe("tiny") | {"name": "closed", "gates": EASY}, home=home)
    with pytest.raises(RecipeError, match=f"its holdout was not opened: quorate promote {run.run_id}"):
        quorate.register(run.run_id, home=home)


def test_a_changed_version_is_no_version(home: Path) -> None:
    registry = quorate.ModelRegistry(home)
    folder = registry.get("tiny@1").path
    model = next((folder / "models").glob("*.safetensors"))
    content = model.read_bytes()
    model.unlink()  # it is a second name of a file of the home
    model.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert [line.split(" was changed")[0] for line in registry.check("tiny@1")] == [f"models/{model.name}"]
    assert _quorate(home, "registry", "check", "tiny@1")[0] == 12
    assert registry.check("tiny@2") == []
    with pytest.raises(IntegrityError, match="is not as it was written"):
        registry.get("tiny@1").predict()
    document = folder / "version.json"
    told = json.loads(document.read_text())
    document.write_text(json.dumps(told | {"verdict": "FAIL"}))
    with pytest.raises(IntegrityError, match="another seal"):
        registry.get("tiny@1")


def test_a_version_that_was_written_anew_is_not_what_the_ledger_knows(home: Path) -> None:
    from quorate.store.documents import seal_of

    path = quorate.ModelRegistry(home).get("tiny@1").path / "version.json"
    told = json.loads(path.read_text()) | {"override": "no need"}
    told["seal"] = seal_of({name: value for name, value in told.items() if name != "seal"})
    path.write_text(json.dumps(told))
    with pytest.raises(IntegrityError, match="tiny@1 is not what was registered"):
        quorate.ModelRegistry(home).get("tiny@1")


def test_a_writer_that_was_stopped_leaves_its_number_to_the_next(home: Path) -> None:
    (home / "registry" / "bad" / "1" / "models").mkdir(parents=True)
    bad = _run(home, "-bad-")
    record_override(Home(home), bad, "FAIL", "a try")
    assert quorate.register(bad, home=home).standing.label == "bad@1"
    assert quorate.ModelRegistry(home).check("bad@1") == []


def test_champions_by_command(home: Path) -> None:
    assert _quorate(home, "registry", "stage", "tiny@1", "champion", "--reason", "first")[0] == 0
    assert "tiny@2 is champion" in _quorate(home, "registry", "stage", "tiny", "champion")[1]
    code, text = _quorate(home, "registry", "rollback", "tiny", "--json")
    assert code == 0
    assert (json.loads(text)["version"], json.loads(text)["stage"]) == (1, "champion")
    code, text = _quorate(home, "predict", "--version", "tiny", "--json")
    assert json.loads(text)["run"] == quorate.ModelRegistry(home).get("tiny@1").standing.run
    code, text = _quorate(home, "orders", "--version", "tiny", "--capital", "1000", "--json")
    assert json.loads(text)["run"] == quorate.ModelRegistry(home).get("tiny@1").standing.run
    code, text = _quorate(home, "registry", "show", "tiny@2")
    assert code == 0
    assert "retired" in text
    lines = _quorate(home, "registry", "diff", "tiny@1", "tiny@2")[1]
    assert "models.logistic.C: 1.0 -> 0.5" in lines
    assert _quorate(home, "ledger", "verify")[0] == 0


def test_of_a_day_before_there_was_any_none_is_known(home: Path) -> None:
    code, text = _quorate(home, "registry", "show", "tiny", "--as-of", "2020-01-01")
    assert (code, "none was registered yet" in text) == (1, True)
    assert _quorate(home, "registry", "list", "--as-of", "yesterday")[0] == 2
    assert _quorate(home, "predict", "--as-of", "2026-01-01")[0] == 2


def test_a_version_forecasts_bars_that_go_on_after_its_own(home: Path) -> None:
    version = quorate.ModelRegistry(home).get("tiny@1")
    forecaster = Forecaster.of_version(version)
    known = forecaster.known
    assert len(known) == 520
    last = known.take(519, 520)
    found = forecaster.following(last)
    assert found.symbols[0]["forecast"] is not None
    later = replace(last, times=last.times + np.timedelta64(1, "D"), sessions=last.sessions + np.timedelta64(1, "D"))
    assert forecaster.following(later).time == f"{later.times[0]}Z"
    assert forecaster.following(last) == found


def test_weights_of_a_version_are_those_of_the_last_fold(home: Path) -> None:
    version = quorate.ModelRegistry(home).get("tiny@1")
    report = quorate.load_report(version.standing.run, home=home)
    last = report.results["holdout"]["folds"][-1]
    assert version.document["judged"]["weights"] == last["weights"]
    assert np.isclose(version.document["judged"]["threshold"], last["threshold"])
