"""Whole runs that are told: what fails leaves an alert, with the numbers and exit codes of a run that tells nobody."""

from __future__ import annotations

import json
import shutil

import pytest
from test_model_registry import EASY, HARD

import quorate
from quorate.store.alerts import read_alerts
from quorate.store.trust import forget
from quorate.testing.tools.alerts import answering, nobody
from support.command import call

PLANTED = "T0Zq83Lm10Wv52"
FAILS = """
import quorate

class Model:
    def __init__(self, random_state=0): ...
    def fit(self, X, y):
        raise RuntimeError("it does not fit")
    def predict(self, X): ...

@quorate.hookimpl
def quorate_models():
    yield quorate.ModelSpec("fails", Model, task="classification")
"""


def holds(folder, word):
    """Return the files that have a word in them."""
    return [one for one in folder.rglob("*") if one.is_file() and word.encode() in one.read_bytes()]


def alerts(url, tmp_path, **more):
    told = {"url": url, "timeout": 2.0, "retries": 0, **more}
    return {"webhook": told, "file": {"path": str(tmp_path / "alerts.txt"), "on": ["promotion-failed", "promoted"]}}


def test_a_promotion_that_fails_is_told_and_changes_nothing(home, tmp_path, tiny, monkeypatch, capfd):
    plain = tiny | {"gates": HARD}
    bare = quorate.promote(quorate.run(plain, home=home).run_id, home=home)
    with answering() as server:
        monkeypatch.setenv("ALERT_URL", f"{server.url}{PLANTED}")
        table = plain | {"alerts": alerts("${ALERT_URL}", tmp_path)}
        run = quorate.run(table, home=home)
        assert server.got == []  # nobody asked for run-finished
        done = call("promote", run.run_id, "--home", home)
    assert done.exit_code == 10
    report = quorate.load_report(run.run_id, home=home)
    for name in ("results_digest", "recipe_digest"):
        assert report.provenance[name] == bare.provenance[name]
    [told] = [json.loads(body) for body in server.got]
    assert (told["event"], told["what"], told["verdict"], told["recipe"]) == (
        "promotion-failed", run.run_id, "FAIL", "tiny",
    )  # fmt: skip
    assert told["subject"] == "tiny: it is not promoted: FAIL, by sharpe"
    lines = told["text"].splitlines()
    assert [line.split(":")[0] for line in lines[1:3]] == ["development", "holdout"]
    assert all("sharpe" in line and "must be > 50.00: FAIL" in line for line in lines[1:3])
    assert lines[-1] == f"quorate gate {run.run_id} --home {home}"
    assert "it is not promoted" in (tmp_path / "alerts.txt").read_text()
    assert holds(tmp_path, PLANTED) == []
    assert PLANTED not in done.output + str(capfd.readouterr())
    again = call("promote", run.run_id, "--home", home)  # only what was found
    assert (again.exit_code, len(server.got)) == (10, 1)
    assert report.provenance["recipe"]["alerts"]["webhook"]["url"] == "${ALERT_URL}"


def test_one_that_passes_is_told_where_that_is_asked_for(home, tmp_path, tiny, monkeypatch):
    with nobody() as server:
        monkeypatch.setenv("ALERT_URL", f"{server.url}{PLANTED}")
        wanted = alerts("${ALERT_URL}", tmp_path, on=["promoted", "run-finished"])
        run = quorate.run(tiny | {"name": "told", "gates": EASY, "alerts": wanted}, home=home)
        done = call("promote", run.run_id, "--home", home)
    assert done.exit_code == 0
    assert "alerts.webhook did not tell promoted: it could not be reached" in done.stderr
    assert PLANTED not in done.output
    finished, promoted = read_alerts(home)
    assert (finished["event"], finished["verdict"], finished["what"]) == ("run-finished", "PASS", run.run_id)
    assert (promoted["event"], promoted["what"]) == ("promoted", "told@1")
    assert promoted["subject"] == "told: it is promoted, and registered as told@1"
    assert [one["delivered"] for one in promoted["deliveries"]] == [False, True]
    assert holds(tmp_path, PLANTED) == []
    listed = call("alerts", "--home", home)
    assert "told@1" in " ".join(listed.stdout.split())
    assert "webhook: not delivered: it could not be reached" in listed.stdout
    rows = json.loads(call("alerts", "--last", "1", "--json", "--home", home).stdout)
    assert [row["event"] for row in rows] == ["promoted"]


def test_a_run_that_fails_leaves_an_alert_also_where_nobody_asked(home, tmp_path, tiny):
    path = tmp_path / "fails.py"
    path.write_text(FAILS)
    with pytest.raises(quorate.FitError):
        quorate.run(tiny, home=home, plugins=[path])
    [told] = read_alerts(home)
    assert (told["event"], told["deliveries"]) == ("run-failed", [])
    assert told["subject"] == "tiny: the run ended with an error"
    assert "it does not fit" in told["text"]
    assert told["text"].splitlines()[-1] == f"quorate resume {told['what']} --home {home}"


def test_bars_that_are_not_there_are_told_before_a_run_is_begun(tmp_path, tiny):
    table = tiny | {"data": {"source": "csv", "path": str(tmp_path / "gone.csv")}}
    with pytest.raises(quorate.QuorateError):
        quorate.run(table, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()
    with pytest.raises(quorate.QuorateError):
        quorate.run(table | {"alerts": {"file": {"path": str(tmp_path / "a.txt")}}}, home=tmp_path / "home")
    [told] = read_alerts(tmp_path / "home")
    assert (told["event"], told["what"]) == ("run-failed", "")
    assert "gone.csv" in (tmp_path / "a.txt").read_text()


def test_a_home_that_was_copied_sends_nothing_until_it_is_trusted(home, tmp_path, tiny, monkeypatch):
    with answering() as server:
        monkeypatch.setenv("ALERT_URL", server.url)
        run = quorate.run(tiny | {"gates": HARD, "alerts": alerts("${ALERT_URL}", tmp_path)}, home=home)
        copies = [tmp_path / name for name in ("here", "there")]
        for copy in copies:
            shutil.copytree(home, copy)
            forget(copy)
        report = quorate.promote(run.run_id, home=copies[0])
        assert (report.verdict, server.got) == ("FAIL", [])
        assert [one["event"] for one in read_alerts(copies[0])] == ["promotion-failed"]
        quorate.trust_home(copies[1])
        assert quorate.promote(run.run_id, home=copies[1]).digest == report.digest
        assert len(server.got) == 1


def test_an_inline_alert_keeps_no_run_from_being_done_again(home, tiny):
    heard = []
    spec = quorate.AlertSpec("here", lambda alert: heard.append(alert.event))
    table = tiny | {"alerts": {"here": {"on": ["run-finished", "promotion-failed"]}}, "gates": HARD}
    run = quorate.run(table, home=home, plugins=[spec])
    assert heard == ["run-finished"]
    assert quorate.reproduce(run.run_id, home=home).identical
    assert quorate.promote(run.run_id, home=home).verdict == "FAIL"
    assert "unknown alert 'here'" in read_alerts(home)[-1]["deliveries"][0]["reason"]


def test_a_test_is_sent_through_each(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "told.toml"
    path.write_text('extends = "planted"\nname = "told"\n[alerts]\nfile = {}\nwebhook = { url = "${ALERT_URL}" }\n')
    with answering(200, 404) as server:
        monkeypatch.setenv("ALERT_URL", server.url)
        assert call("alerts", "test", path).exit_code == 0
        done = call("alerts", "test", path)
    assert (done.exit_code, done.stdout) == (1, "file: delivered\nwebhook: not delivered: the answer was status 404\n")
    assert "told: this is a test" in (tmp_path / "alerts.txt").read_text()
    assert [one["event"] for one in read_alerts(tmp_path / "home")] == ["test", "test"]


SLOW = FAILS.replace('raise RuntimeError("it does not fit")', "time.sleep(0.6)")
SLOW = SLOW.replace("import quorate", "import time, quorate", 1)
SLOW = SLOW.replace("def predict(self, X): ...", "def predict_proba(self, X): return [[0.4, 0.6]] * len(X)")


def test_a_run_that_stands_still_is_told_once_and_goes_on(tmp_path, tiny):
    path = tmp_path / "slow.py"
    path.write_text(SLOW)
    table = tiny | {"models": {"fails": {}}, "alerts": {"stalled_minutes": 0.002, "log": {}}}
    report = quorate.run(table, home=tmp_path / "home", plugins=[path])
    assert report.verdict in ("PASS", "FAIL", "INSUFFICIENT")
    [told] = read_alerts(tmp_path / "home")
    assert (told["event"], told["what"]) == ("stalled", report.run_id)
    assert told["text"] == f"quorate watch {report.run_id} --home {tmp_path / 'home'}"


def test_a_sweep_is_told_as_a_run_is(home, tmp_path, tiny):
    wanted = {"file": {"path": str(tmp_path / "a.txt"), "on": ["run-finished"]}, "log": {"on": ["run-failed"]}}
    found = quorate.sweep(tiny | {"alerts": wanted, "tuning": {"trials": 2, "folds": 2}}, home=home)
    assert {("alert", "file"), ("alert", "log")} <= {(p["kind"], p["name"]) for p in found.document["plugins"]}
    [told] = read_alerts(home)
    assert (told["event"], told["what"], told["verdict"]) == ("run-finished", found.source.id, "")
    assert told["text"] == f"quorate sweep show {found.source.id} --home {home}"
