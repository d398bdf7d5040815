"""Who is told: what fails stays where it fails, nothing secret is told, and a home from elsewhere sends nothing."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

import quorate
from quorate.errors import DataError, PluginError, RecipeError, StoreError
from quorate.execution.progress import Clock, Progress
from quorate.runs.alerting import Teller, alerting, try_alerts
from quorate.runs.session import open_session
from quorate.runs.stalled import noticing_stalls
from quorate.store import Home
from quorate.store.alerts import NAME, read_alerts
from quorate.store.trust import claim, forget
from quorate.testing.tools.alerts import SECRET, answering

PLANTED = "Zq83Lm10-planted-Wv52"


class Heard(Progress):
    def __init__(self):
        self.warnings = []

    def warn(self, message):
        self.warnings.append(message)


def teller(alerts, tmp_path, plugins=(), **more):
    table = {"name": "desk", "models": {"logistic": {}}, "alerts": alerts, **more}
    session = open_session(table, home=tmp_path / "home", plugins=plugins, progress=Heard())
    session.home.claim()
    return Teller(session)


def kept(place):
    return read_alerts(place / "home")


def posted(server):
    return [json.loads(body) for body in server.got]


def test_each_is_told_the_events_that_it_is_for(tmp_path, monkeypatch):
    with answering() as server:
        monkeypatch.setenv("ALERT_URL", server.url)
        told = teller(
            {
                "file": {"path": str(tmp_path / "a.txt"), "on": ["promoted"]},
                "webhook": {"url": "${ALERT_URL}"},
                "second": {"plugin": "webhook", "url": "${ALERT_URL}", "on": []},
            },
            tmp_path,
        )
        for event in ("promotion-failed", "promoted", "run-failed", "run-finished", "stalled"):
            told.tell(event, f"it is {event}", ["look"])
    assert [one["event"] for one in posted(server)] == ["promotion-failed", "run-failed", "stalled"]
    assert (tmp_path / "a.txt").read_text().count("desk: it is") == 1
    assert [(one["event"], [d["to"] for d in one["deliveries"]]) for one in kept(tmp_path)] == [
        ("promotion-failed", ["webhook"]),
        ("promoted", ["file"]),
        ("run-failed", ["webhook"]),
        ("stalled", ["webhook"]),
    ]
    assert told.session.progress.warnings == []


def test_many_at_once_all_arrive(tmp_path, monkeypatch):
    with answering() as server:
        monkeypatch.setenv("ALERT_URL", server.url)
        tellers = [teller({"webhook": {"url": "${ALERT_URL}"}}, tmp_path) for _ in range(12)]
        threads = [threading.Thread(target=one.tell, args=("stalled", f"no {n}", [])) for n, one in enumerate(tellers)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert {one["subject"] for one in posted(server)} == {f"desk: no {n}" for n in range(12)}
    assert len(kept(tmp_path)) == 12
    assert all(one["deliveries"][0]["delivered"] for one in kept(tmp_path))


BAD = """
import sys, time
import quorate

def bad(alert, url: str = "", password: str = ""):
    {body}

@quorate.hookimpl
def quorate_alerts():
    yield quorate.AlertSpec("bad", bad)
"""


@pytest.mark.parametrize(
    "body, reason",
    [
        ("raise RuntimeError(f'cannot reach {url}')", "RuntimeError: cannot reach https://h/${WORD}"),
        ("raise quorate.PluginError(f'no {password[2:9]}')", "PluginError; what it said may hold a value"),
        ("raise ConnectionError(repr(password.encode().hex()))", "ConnectionError; what it said may hold a value"),
        ("raise RuntimeError('no line')", "RuntimeError: no line"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", ""),
        ("return False", "it must return nothing, and raise if it fails; it returned bool"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_an_alert_does_nothing_is_raised_and_nothing_secret_told(body, reason, tmp_path, monkeypatch, capfd):
    (tmp_path / "bad.py").write_text(BAD.format(body=body))
    monkeypatch.setenv("WORD", PLANTED)
    alerts = {"bad": {"url": "https://h/${WORD}", "password": "${WORD}"}, "file": {"path": str(tmp_path / "a.txt")}}
    told = teller(alerts, tmp_path, [tmp_path / "bad.py"])
    told.tell("run-failed", "it ended", [])
    everything = (tmp_path / "home" / NAME).read_text() + str(told.session.progress.warnings) + str(capfd.readouterr())
    for part in (PLANTED, PLANTED[2:9], PLANTED.encode().hex()):
        assert part not in everything
    [one] = kept(tmp_path)
    if not reason:  # Ctrl-C ends what is being told, not the run
        assert "interrupted" in told.session.progress.warnings[0]
        return
    first, second = one["deliveries"]
    assert (first["to"], first["delivered"], second["to"], second["delivered"]) == ("bad", False, "file", True)
    assert reason in first["reason"]
    assert any(reason in warning for warning in told.session.progress.warnings)


def test_one_that_hangs_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("quorate.runs.alerting.SECONDS", 0.3)
    (tmp_path / "bad.py").write_text(BAD.format(body="time.sleep(60)"))
    told = teller({"bad": {}}, tmp_path, [tmp_path / "bad.py"])
    told.tell("run-failed", "it ended", [])
    assert kept(tmp_path)[0]["deliveries"][0]["reason"] == "it took longer than 0.3 s"


def test_what_sources_and_alerts_take_from_the_environment_is_blotted_out(tmp_path, monkeypatch):
    monkeypatch.setenv("ALERT_URL", f"https://h/{SECRET}")
    monkeypatch.setenv("PLACE", PLANTED)
    alerts = {"webhook": {"url": "${ALERT_URL}", "on": []}}
    told = teller(alerts, tmp_path, data={"source": "csv", "path": "${PLACE}/bars.csv"})
    told.failed(DataError(f"there is no {PLANTED}/bars.csv, nor https://h/{SECRET}"))
    assert kept(tmp_path)[0]["text"].startswith("there is no ***/bars.csv, nor ***\nquorate alerts --last 1 --home ")


def test_a_variable_that_is_missing_is_said_before_and_after(tmp_path, monkeypatch):
    monkeypatch.delenv("ALERT_URL", raising=False)
    told = teller({"webhook": {"url": "${ALERT_URL}"}}, tmp_path)
    told.check()
    assert "alerts.webhook needs the variable ALERT_URL, which is not set" in told.session.progress.warnings[0]
    told.tell("stalled", "it stands", [])
    assert "needs the environment variable ALERT_URL" in kept(tmp_path)[0]["deliveries"][0]["reason"]


def test_a_home_from_elsewhere_sends_nothing_but_keeps_its_log(tmp_path, monkeypatch):
    with answering() as server:
        monkeypatch.setenv("ALERT_URL", server.url)
        told = teller({"webhook": {"url": "${ALERT_URL}"}, "file": {"path": str(tmp_path / "a.txt")}}, tmp_path)
        forget(tmp_path / "home")
        told.tell("run-failed", "it ended", [])
        assert server.got == []
        with pytest.raises(StoreError, match="a test would be sent to where the recipe says"):
            try_alerts(told.session.recipe, home=tmp_path / "home")
        assert server.got == []
    assert not (tmp_path / "a.txt").exists()
    assert [one["deliveries"] for one in kept(tmp_path)] == [[]]
    assert "alerts are not sent: the home" in told.session.progress.warnings[0]


def test_a_log_that_cannot_be_written_stops_no_alert(tmp_path):
    told = teller({"file": {"path": str(tmp_path / "a.txt")}}, tmp_path)
    (tmp_path / "home" / NAME).mkdir()
    told.tell("run-failed", "it ended", [])
    assert "desk: it ended" in (tmp_path / "a.txt").read_text()
    assert "the alert is not noted" in told.session.progress.warnings[0]


def test_wrong_recipes_ctrl_c_and_a_run_that_goes_on_elsewhere_are_no_failures(tmp_path, monkeypatch):
    told = teller({"log": {}}, tmp_path)
    for error in (RecipeError("wrong"), KeyboardInterrupt()):
        with pytest.raises(type(error)), alerting(told.session, "run"):
            raise error
    stored = Home(tmp_path / "home").new_run("desk")
    with stored.driving(), pytest.raises(StoreError), alerting(told.session, "resume", stored):
        raise StoreError("it is still going on")
    assert kept(tmp_path) == []
    with pytest.raises(ZeroDivisionError), alerting(told.session, "resume", stored):
        raise ZeroDivisionError("0")
    [one] = kept(tmp_path)
    assert (one["event"], one["what"]) == ("run-failed", stored.id)
    assert one["text"] == f"ZeroDivisionError: 0\nquorate resume {stored.id} --home {tmp_path / 'home'}"


def test_without_alerts_what_fails_before_it_is_begun_leaves_nothing(tmp_path):
    session = open_session({"models": {"logistic": {}}}, home=tmp_path / "home")
    with pytest.raises(PluginError), alerting(session, "run"):
        raise PluginError("no bars")
    assert not (tmp_path / "home").exists()


class Fits:
    """What of `Fitting` is listened to."""

    def __init__(self, progress):
        self.progress = progress


def stalls(seconds, work):
    told, clock = threading.Event(), Clock(Progress())
    count = []

    def tell():
        count.append(1)
        told.set()

    fitting = Fits(clock.progress)
    with noticing_stalls(seconds, tell, clock, fitting):
        work(clock, fitting, told)
    return len(count)


def test_a_stage_of_fits_in_which_none_is_finished_is_told_once():
    def stand_still(clock, fitting, told):
        with clock.stage("fits"):
            assert told.wait(20)
            time.sleep(0.2)

    assert stalls(0.05, stand_still) == 1


def test_fits_that_are_finished_and_other_stages_are_no_stall():
    def go_on(clock, fitting, told):
        with clock.stage("fits"):
            for _ in range(20):
                time.sleep(0.02)
                fitting.progress.fitted(None)
        with clock.stage("evidence"):
            time.sleep(0.1)

    assert stalls(30.0, go_on) == 0
    assert stalls(0.0, go_on) == 0

    def judge(clock, fitting, told):
        with clock.stage("evidence"):
            time.sleep(0.3)

    assert stalls(0.05, judge) == 0


def test_a_test_goes_through_each_whatever_it_is_for(tmp_path):
    claim(tmp_path / "home")
    alerts = {"file": {"path": str(tmp_path / "a.txt"), "on": []}, "email": {"to": "a@b.c", "server": "x", "port": 0}}
    alerts["email"] |= {"server": "127.0.0.1", "port": 9, "timeout": 2.0}
    found = try_alerts({"models": {"logistic": {}}, "alerts": alerts}, home=tmp_path / "home")
    assert [(one["to"], one["delivered"]) for one in found] == [("file", True), ("email", False)]
    with pytest.raises(RecipeError, match="names no alerts: add"):
        try_alerts({"models": {"logistic": {}}}, home=tmp_path / "home")
    assert quorate.Alert.__name__ == "Alert"
    assert Path(tmp_path / "a.txt").exists()
