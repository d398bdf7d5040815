"""The audit as a command, and as what stands before a holdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import quorate
from quorate.cli._app import app
from quorate.evidence.ledger import ledger_of
from quorate.runs import run as api
from quorate.runs.audit import Audit, Finding, audit, find_audit, pipeline_key
from quorate.runs.audit import _audit as _audit_module
from quorate.runs.session import open_session
from quorate.store import Home

TINY: dict[str, Any] = {
    "name": "tiny",
    "data": {"source": "simulated", "n_bars": 700, "signal": 0.4},
    "holdout": {"bars": 120},
    "features": {"use": ["return_1", "zscore_20"]},
    "folds": {"initial": 300, "test": 100},
    "models": {"logistic": {}},
    "ensemble": {"compare": []},
    "strategy": {"compare": []},
    "execution": {"executor": "serial"},
}


def key(table: dict[str, Any]) -> str:
    return pipeline_key(open_session(table))


def test_a_pipeline_is_known_by_what_turns_bars_into_decisions_and_by_nothing_else() -> None:
    same = [
        {"data": {"source": "simulated", "n_bars": 900}},
        {"holdout": {"bars": 50}},
        {"gates": {"preset": "headline"}},
        {"name": "other"},
        {"execution": {"workers": 2}},
    ]
    other = [
        {"models": {"logistic": {"C": 3.0}}},
        {"features": {"use": ["return_1"]}},
        {"ensemble": {"method": "mean", "compare": []}},
        {"strategy": {"risk": {"stop": 0.05}, "compare": []}},
        {"threshold": {"min_bars": 99}},
        {"folds": {"initial": 300, "test": 90}},
    ]
    assert {key({**TINY, **change}) for change in same} == {key(TINY)}
    assert len({key({**TINY, **change}) for change in other} | {key(TINY)}) == len(other) + 1


PLUGIN = """
import quorate

def mine(bars):
    from {helper} import lag
    return bars.close / bars.open - lag

@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("mine", mine)
"""


@pytest.mark.parametrize("helper", ["auditedhelper", "auditedpackage.deep"])
def test_an_audit_is_stale_when_a_module_changes_that_a_plugin_file_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helper: str
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path.joinpath(*helper.split(".")).with_suffix(".py")
    path.parent.mkdir(exist_ok=True)
    path.write_text("lag = 1\n")
    (path.parent / "__init__.py").touch()
    (tmp_path / "plugin.py").write_text(PLUGIN.format(helper=helper))
    table = {**TINY, "plugins": [str(tmp_path / "plugin.py")], "features": {"use": ["return_1", "mine"]}}
    before = key(table)
    assert key(table) == before
    path.write_text("lag = 0\n")
    assert key(table) != before
    path.write_text("lag = 1\n")
    assert key(table) == before
    (tmp_path / "plugin.py").write_text(PLUGIN.format(helper=helper) + "# edited\n")
    assert key(table) != before


def test_an_audit_is_stale_when_the_code_of_a_built_in_plugin_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key(TINY)
    monkeypatch.setattr(_audit_module, "code_digest", lambda factory, *_: f"code of {factory.__module__}")
    assert len({before, key(TINY)}) == 2


def test_what_was_audited_is_not_audited_again_and_is_judged_with_the_holdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = audit(TINY, home=tmp_path, draws=6)
    assert find_audit(Home(tmp_path), found.key) == json.loads(json.dumps(found.to_dict()))
    monkeypatch.setattr(api, "audit_session", lambda *_: pytest.fail("it was audited already"))
    report = quorate.promote(quorate.run(TINY, home=tmp_path).run_id, home=tmp_path)
    [gate] = [g for g in report.results["holdout"]["gates"] if g["gate"] == "null-market"]
    assert gate["inputs"]["draws"] == 6
    assert gate["value"] == pytest.approx(abs(report.results["holdout"]["null_market"]["z"]))
    assert not [g for g in report.results["development"]["gates"] if g["gate"] == "null-market"]
    assert (report.source.path / "gates.json").exists()  # type: ignore[union-attr]


def test_a_leak_keeps_the_holdout_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = quorate.run(TINY, home=tmp_path)
    leak = Finding("null market", "alarm", "it found gold", {"z": 9.0, "rms": 9.0, "draws": 20, "undefined": 0})
    monkeypatch.setattr(api, "audit_session", lambda *_: Audit("tiny", "k", "d", False, (leak,)))
    with pytest.raises(quorate.IntegrityError, match="the holdout stays closed: null market: it found gold"):
        quorate.promote(report.run_id, home=tmp_path)
    assert {entry["kind"] for entry in ledger_of(Home(tmp_path)).entries()} == {"candidate", "report"}
    assert quorate.load_report(report.run_id, home=tmp_path).results["holdout"] is None


def test_the_headline_preset_needs_no_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "audit_session", lambda *_: pytest.fail("nothing asks for it"))
    report = quorate.run({**TINY, "gates": {"preset": "headline"}}, home=tmp_path)
    promoted = quorate.promote(report.run_id, home=tmp_path)
    assert [g["gate"] for g in promoted.results["holdout"]["gates"]] != []
    assert {g["gate"] for g in promoted.results["holdout"]["gates"]} == {"sharpe", "max-drawdown", "win-rate"}


def test_an_audit_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audits").mkdir()
    (tmp_path / "audits" / "k.json").write_text('{"schema_version": 99}')
    with pytest.raises(quorate.StoreError, match="written by a later version"):
        find_audit(Home(tmp_path), "k")
    assert find_audit(Home(tmp_path), "other") is None


@pytest.mark.parametrize("width", [46, 124])
def test_the_command_prints_what_every_detector_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    leak = Finding("features and labels", "alarm", "feature 'tomorrow' looks ahead: " + "on and on " * 8)
    clean = Finding("folds", "clean", "4 folds", {"compared": 4})
    found = Audit("mine", "k", "d" * 64, False, (leak, clean))
    monkeypatch.setattr("quorate.runs.audit.audit", lambda *_, **__: found)

    def command(*arguments: str) -> Result:
        return CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["audit", "mine", *arguments])

    told = command()
    assert told.exit_code == 12
    assert max(map(len, told.stdout.splitlines())) <= width
    assert "LEAKING" in told.stdout
    assert "alarm" in told.stdout
    told = command("--json")
    assert (told.exit_code, json.loads(told.stdout)["clean"]) == (12, False)


def test_an_override_needs_a_reason_and_something_to_override(tmp_path: Path) -> None:
    report = quorate.run({**TINY, "strategy": {"name": "long-flat", "compare": []}}, home=tmp_path)
    if report.verdict == "PASS":
        pytest.fail("this recipe must not pass")

    def command(reason: str) -> Result:
        return CliRunner().invoke(app, ["override", report.run_id, "--reason", reason, "--home", str(tmp_path)])

    told = command("  ")
    assert told.exit_code == 2
    assert "takes a written reason" in told.stderr
    assert command("a trial on paper").exit_code == 0
    last = ledger_of(Home(tmp_path)).entries()[-1]
    assert (last["kind"], last["run"], last["reason"]) == ("override", report.run_id, "a trial on paper")


def test_report_and_gate_of_an_overridden_run_say_so(tmp_path: Path) -> None:
    run = quorate.run({**TINY, "strategy": {"name": "long-flat", "compare": []}}, home=tmp_path).run_id

    def told(*arguments: str) -> str:
        return CliRunner(env={"COLUMNS": "200"}).invoke(app, [*arguments, "--home", str(tmp_path)]).stdout

    for command in ("report", "gate"):
        assert "overridden" not in told(command, run)
        assert json.loads(told(command, run, "--json")).get("override") is None
    assert "INSUFFICIENT overridden" in told("override", run, "--reason", "on [paper]")
    last = ledger_of(Home(tmp_path)).entries()[-1]
    line = f"overridden {last['time'][:10]}, used in spite of INSUFFICIENT: on [paper]"
    lines = [text.strip() for text in told("report", run).splitlines()]
    assert "Not promoted, too little is known" in " ".join(lines[: lines.index(line)])
    assert line in told("gate", run)
    for command in ("report", "gate"):
        override = json.loads(told(command, run, "--json"))["override"]
        assert override == {name: last[name] for name in ("time", "verdict", "reason", "seq", "hash")}
    assert quorate.load_report(run, home=tmp_path).override == override
