"""Schedules: shown, installed and removed; done one at a time, once after they were missed, and told if they fail."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import quorate
from quorate.cli._app import app
from quorate.errors import DataError, IntegrityError, RecipeError
from quorate.runs.doctor.service import service
from quorate.serving.scheduled import do, is_due
from quorate.serving.schedules import Schedule, make_schedule
from quorate.store import Home, schedules
from quorate.store.alerts import read_alerts

EASY = """[gates]
preset = "headline"
sharpe = {threshold = -50.0}
max-drawdown = {threshold = 0.99}
win-rate = {threshold = 0.01}
sample-size = {trades = 1, least_trades = 1, bars = 20}
"""
TINY = """name = "tiny"
holdout = {bars = 100}
features = {use = ["return_1", "return_5", "zscore_20"]}
folds = {initial = 250, test = 60}
models = {logistic = {}, ridge = {}}
threshold = {min_bars = 60}
execution = {executor = "serial"}
data = {source = "simulated", n_bars = 520, signal = 0.4}
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a systemd and a crontab that only note what they are told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "systemctl").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/systemctl.txt\n')
    file = tmp_path / "crontab.txt"
    (folder / "crontab").write_text(
        f'#!/bin/sh\nif [ "$1" = -l ]; then [ -f {file} ] && cat {file} || '
        f'{{ echo "no crontab for you" >&2; exit 1; }}; else cat > {file}; fi\n'
    )
    for tool in folder.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    """A recipe that takes half a second."""
    (tmp_path / "my recipes%").mkdir()
    path = tmp_path / "my recipes%" / "tiny.toml"
    path.write_text(TINY)
    return path


def _quorate(*args: Any, code: int = 0, columns: int = 200) -> str:
    words = ["schedule", *map(str, args)]
    found = CliRunner().invoke(app, words, env={"COLUMNS": str(columns)})
    assert found.exit_code == code, found.output
    return found.output


def test_what_would_be_installed_is_shown_and_nothing_is_changed(tools: Path, tiny_file: Path, home: Path) -> None:
    text = _quorate("show", "weekly-full", tiny_file, "--at", "Sun 02:30", "--zone", "Europe/Berlin", "--home", home)
    assert "OnCalendar=Sun *-*-* 02:30:00 Europe/Berlin" in text
    assert "Persistent=true" in text
    assert 'schedule run weekly-full "' in text
    assert "my recipes%%/tiny.toml" in text  # systemd fills in %
    assert text.count("Sun 20") == 5
    assert "the clock leaves this time out" in text
    line = _quorate("show", "daily-quick", tiny_file, "--only", "ridge", "--cron", "--home", home)
    assert r"my recipes\%/tiny.toml' --only ridge --home" in line  # cron makes % a new line
    shown = json.loads(
        _quorate("install", "daily-quick", tiny_file, "--json", "--home", home).partition("\nnothing")[0]
    )
    assert shown["next"][0][:3] in ("Mon", "Tue", "Wed", "Thu", "Fri")
    assert not (tools / "crontab.txt").exists()
    assert not (tools / "config").exists()
    assert schedules.every(home) == []


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_understands_the_units(
    tools: Path, tiny_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _quorate("install", "weekly-full", tiny_file, "--yes", "--home", home)
    [timer] = (tools / "config" / "systemd" / "user").glob("*.timer")
    surroundings = {**os.environ, "XDG_RUNTIME_DIR": str(tools)}
    told = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(timer)],
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in told.stderr.splitlines() if "quorate-" in line]
    assert ours == []
    service = timer.with_suffix(".service").read_text()
    assert "SuccessExitStatus=10 11\n" in service


def test_it_is_installed_listed_looked_after_and_removed(tools: Path, tiny_file: Path, home: Path) -> None:
    _quorate("install", "weekly-full", tiny_file, "--yes", "--home", home)
    assert "enable --now quorate-weekly-full-tiny-" in (tools / "systemctl.txt").read_text()
    [one] = json.loads(_quorate("--json", "--home", home))["installed"]
    assert (one["preset"], one["by"], one["missed"], one["last"]) == ("weekly-full", "systemd", False, None)
    assert "weekly-full tiny.toml" in _quorate("--home", home, columns=60)
    (tools / "crontab.txt").write_text("5 4 * * * other # mine\n")
    _quorate("install", "weekly-full", tiny_file, "--at", "06:10", "--cron", "--yes", "--home", home)  # in place of it
    assert "disable --now" in (tools / "systemctl.txt").read_text()
    lines = (tools / "crontab.txt").read_text().splitlines()
    assert lines[0] == "5 4 * * * other # mine"
    assert (len(lines), lines[1].split()[0], " --due # quorate-weekly-full" in lines[1]) == (2, "10", True)
    findings = [f for f in service(Home(home)) if f.what.startswith("schedule")]
    assert [(f.state, "not done yet" in f.told) for f in findings] == [("ok", True)]
    assert "is installed: --yes removes it" in _quorate("remove", "weekly-full", tiny_file, "--home", home)
    _quorate("remove", "weekly-full", tiny_file, "--yes", "--home", home)
    assert (tools / "crontab.txt").read_text() == "5 4 * * * other # mine\n"
    assert "is not installed" in _quorate("remove", "weekly-full", tiny_file, "--yes", "--home", home, code=1)


def test_a_machine_without_either_says_so(tiny_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    text = _quorate("install", "weekly-full", tiny_file, "--yes", "--home", home, code=1)
    assert "neither systemd for users (systemctl --user) nor crontab is here" in text
    assert "OnCalendar" in text


def test_a_crontab_that_cannot_be_read_is_left_alone(tools: Path, tiny_file: Path, home: Path) -> None:
    (tools / "bin" / "crontab").write_text("#!/bin/sh\necho 'you are not allowed to use this program' >&2\nexit 1\n")
    text = _quorate("install", "weekly-full", tiny_file, "--cron", "--yes", "--home", home, code=1)
    assert "not allowed" in text
    assert schedules.every(home) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["weekly", "planted"], "did you mean 'weekly-full'"),
        (["weekly-full", "plantd"], "did you mean 'planted'"),
        (["weekly-full", "planted", "--only", "lightgm"], "did you mean 'lightgbm'"),
        (["daily-quick", "planted", "--sweep"], "it is for weekly-full"),
        (["weekly-full", "nasdaq@1", "--only", "ridge"], "leave out --sweep and --only"),
        (["weekly-full", "planted", "--at", "Sat 6"], "--at must be days and a time"),
    ],
)
def test_mistakes_are_told_before_anything_is_installed(home: Path, words: list[str], message: str) -> None:
    assert message in " ".join(_quorate("show", *words, "--home", home, code=2).split())


def _schedule(path: Path, preset: str = "daily-quick", **options: Any) -> Schedule:
    return make_schedule(preset, str(path), **options)


def test_a_day_with_new_bars_is_run_and_one_without_is_not(tiny_file: Path, home: Path) -> None:
    tiny_file.write_text(
        TINY
        + "alerts = {file = {path = 'told.txt', on = ['run-finished']}}\n".replace(
            "told.txt", str(tiny_file.parent / "told.txt")
        )
    )
    first = do(_schedule(tiny_file), Home(home))
    assert (first.exit, bool(first.run), first.told) == (0, True, f"run: {first.verdict}")
    assert "is finished" in (tiny_file.parent / "told.txt").read_text()
    again = do(_schedule(tiny_file), Home(home))
    assert (again.exit, again.run, again.told) == (0, "", "no bar is new since the last run: nothing was done")
    tiny_file.write_text(TINY.replace("520", "530"))
    assert do(_schedule(tiny_file, only=("ridge",)), Home(home)).run
    members = quorate.load_report(home=home).provenance["recipe"]["models"]
    assert [name for name, model in members.items() if model is not None] == ["ridge"]
    assert [one["exit"] for one in schedules.done(home)] == [0, 0, 0]


def test_a_week_promotes_if_asked_and_exits_as_promote_does(tiny_file: Path, home: Path) -> None:
    tiny_file.write_text(TINY + EASY)
    out = _quorate("run", "weekly-full", tiny_file, "--promote", "--home", home)
    assert "registered as tiny@1" in out
    assert do(make_schedule("daily-quick", "tiny@latest"), Home(home)).told.startswith("no bar is new")
    tiny_file.write_text(TINY + EASY.replace("-50.0", "50.0"))
    out = _quorate("run", "weekly-full", tiny_file, "--promote", "--home", home, code=10)
    assert "not promoted: FAIL" in out
    assert [one["event"] for one in read_alerts(home)] == ["promotion-failed"]


def test_a_week_with_a_sweep_runs_what_it_found(tiny_file: Path, home: Path) -> None:
    tiny_file.write_text(TINY + '[tuning]\ntrials = 2\nfolds = 3\nmodels = ["ridge"]\n')
    found = do(_schedule(tiny_file, "weekly-full", sweep=True), Home(home))
    assert (found.exit, len(Home(home).runs("sweep")), len(Home(home).runs())) == (0, 1, 1)


def test_what_fails_is_told_once_and_is_not_due_again(tools: Path, tiny_file: Path, home: Path) -> None:
    _quorate("install", "daily-quick", tiny_file, "--cron", "--yes", "--home", home)
    made, [note] = _schedule(tiny_file), schedules.every(home)
    late = {k: v for k, v in note.items() if k not in ("schema_version", "key")}
    schedules.keep(home, note["key"], {**late, "next": "2020-01-03T06:00:00+00:00"})
    assert is_due(made, Home(home))
    [finding] = [f for f in service(Home(home)) if f.what.startswith("schedule")]
    assert (finding.state, finding.told[:6]) == ("mend", "missed")
    tiny_file.write_text(
        TINY.replace('source = "simulated", n_bars = 520, signal = 0.4', 'source = "store", collection = "us"')
    )
    with pytest.raises(DataError, match="there is no collection 'us'"):
        do(made, Home(home))
    [alert] = read_alerts(home)
    assert (alert["event"], "daily-quick tiny.toml, which is scheduled, ended with an error" in alert["subject"]) == (
        "run-failed",
        True,
    )
    assert not is_due(made, Home(home))  # however often it was missed
    assert _quorate("run", "daily-quick", tiny_file, "--due", "--home", home) == ""
    tiny_file.write_text("nonsense = 1\n")
    with pytest.raises(RecipeError):
        do(made, Home(home))
    assert [one["event"] for one in read_alerts(home)] == ["run-failed"] * 2
    assert [one["exit"] for one in schedules.done(home)] == [1, 2]
    [finding] = [f for f in service(Home(home)) if f.what.startswith("schedule")]
    assert (finding.state, "exit 2" in finding.told) == ("note", True)


def test_half_of_the_new_bars_is_not_run_on(tiny_file: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny_file.parent / "bars"
    folder.mkdir()
    good = "date,open,high,low,close,volume\n" + "".join(f"2024-01-{d:02},1,2,1,2,5\n" for d in range(1, 9))
    for name in ("A", "B"):
        (folder / f"{name}.csv").write_text(good)
    words = ["data", "add", str(folder), "--to", "us", "--set", "calendar=24x7", "--home", str(home)]
    assert CliRunner().invoke(app, words).exit_code == 0
    (folder / "B.csv").write_text("not a table of bars")
    tiny_file.write_text(
        TINY.replace('source = "simulated", n_bars = 520, signal = 0.4', 'source = "store", collection = "us"')
    )
    with pytest.raises(DataError, match="1 part of the collection 'us' could not be brought up to date"):
        do(_schedule(tiny_file), Home(home))
    assert Home(home).runs() == []


def _hold(home: Path, ready: Any, end: Any) -> None:
    with schedules.holding(home, "weekly-full nasdaq"):
        ready.set()
        end.wait(60)


def test_two_at_a_time_are_not_done_and_the_second_says_who_is_at_it(tiny_file: Path, home: Path) -> None:
    fork = multiprocessing.get_context("fork")
    ready, end = fork.Event(), fork.Event()
    first = fork.Process(target=_hold, args=(home, ready, end))
    first.start()
    try:
        assert ready.wait(60)
        text = _quorate("run", "daily-quick", tiny_file, "--home", home, code=75)
        assert f"weekly-full nasdaq is being done by process {first.pid}" in text
        assert schedules.done(home) == []
    finally:
        end.set()
        first.join()
    assert _quorate("run", "daily-quick", tiny_file, "--home", home)


def test_a_schedule_that_was_damaged_is_named(home: Path) -> None:
    (home / "schedules").mkdir()
    (home / "schedules" / "x.json").write_text('{"schema_version": 1, "preset": "weekly-full"}')
    with pytest.raises(IntegrityError, match="does not say when it is due next"):
        schedules.missed(schedules.every(home)[0], dt.datetime.now(dt.UTC))
    [finding] = [f for f in service(Home(home)) if f.what.startswith("schedule")]
    assert (finding.state, finding.told[:8]) == ("mend", "damaged:")
    with pytest.raises(IntegrityError, match=r"is damaged: .*install it anew"):
        Schedule.of(schedules.every(home)[0])
