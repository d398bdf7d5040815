"""What is wrong with a machine, an installation or a home is found, each by a planted fault; else all is quiet."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import sqlite3
import time
from types import SimpleNamespace

import numpy as np
import pytest

from quorate.execution import resources
from quorate.report.report import Report
from quorate.runs.doctor import doctor
from quorate.runs.doctor import home as at_home
from quorate.runs.doctor import machine as at_machine
from quorate.runs.doctor import versions as installed_here
from quorate.runs.doctor.advice import advice
from quorate.runs.loaded import load_report
from quorate.store.models import KeptModel, KeptModels
from support.command import call

MIB = 1 << 20


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """A machine that has nothing to tell, whatever else runs on it."""
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(resources, "available_memory", lambda: 8 << 30)
    monkeypatch.setattr(resources, "total_memory", lambda: 16 << 30)
    monkeypatch.setattr(at_machine, "_gpu", lambda: at_machine.Machine("gpu", "ok", "not asked: torch is slow"))
    monkeypatch.setattr(at_machine, "FULL", 0)
    monkeypatch.setattr(at_machine, "NEARLY", 0)
    for name in (*installed_here.THREADS, "OMP_PROC_BIND", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)


def mended(home, topic="home"):
    """Return what of a topic is to be mended, by what it is."""
    return {one.what: one for one in doctor(home).findings if one.topic == topic and one.state == "mend"}


def noted(home, topic="home"):
    return {one.what: one for one in doctor(home).findings if one.topic == topic and one.state == "note"}


def state_of(folder):
    """Return all files of a folder: what they hold, and when they were written."""
    return {
        str(path): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(folder.rglob("*"))
    }


def only_log(home):
    [path] = home.path.glob("ledger/ledger.jsonl")
    return path


def test_a_sound_home_raises_no_alarm_and_is_left_as_it_was(finished):
    call("backup", finished.path.parent / "elsewhere", "--home", finished.path)
    before = state_of(finished.path)
    found = doctor(finished.path)
    assert found.sound, [one for one in found.findings if one.state == "mend"]
    assert {one.topic for one in found.findings} == {"machine", "versions", "extras", "home"}
    assert not [one for one in found.findings if one.topic == "home" and one.state != "ok"]
    assert not [one for one in found.findings if one.state != "ok" and not one.remedy]
    assert state_of(finished.path) == before


def test_the_command_ends_with_0_or_1_and_says_what_mends(finished):
    done = call("doctor", "--home", finished.path)
    assert done.exit_code == 0, done.stdout
    assert "nothing is to be mended" in done.stdout
    path = only_log(finished)
    path.write_bytes(path.read_bytes().replace(b'"sharpe"', b'"sharpf"', 1))
    done = call("doctor", "--home", finished.path, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    [wrong] = [one for one in document["findings"] if one["state"] == "mend"]
    assert (document["sound"], wrong["what"]) == (False, "ledger")
    assert "quorate ledger verify" in wrong["remedy"]


def test_no_home_is_no_fault_and_is_not_made(tmp_path):
    assert doctor(tmp_path / "none").sound
    assert not (tmp_path / "none").exists()


def test_a_home_that_cannot_be_written_is_told(finished, monkeypatch):
    real, shut = os.access, finished.path / "fits"
    monkeypatch.setattr(os, "access", lambda path, how: path != shut and real(path, how))
    assert "fits cannot be written" in mended(finished.path)["writable"].told
    monkeypatch.setattr(os, "access", real)
    full = {"f_bavail": 1, "f_frsize": 1, "f_blocks": 1, "f_bfree": 1}
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(**full, f_flag=os.ST_RDONLY))
    assert "can only be read" in mended(finished.path)["writable"].told


def test_a_home_from_elsewhere_is_noted(finished):
    moved = finished.path.rename(finished.path.with_name("moved"))
    assert "--trust" in noted(moved)["place"].remedy


def test_a_link_in_place_of_a_part_is_told(tmp_path, finished):
    moved = finished.path.rename(finished.path.with_name("moved"))
    (moved / "fits").rename(tmp_path / "fits")
    (moved / "fits").symlink_to(tmp_path / "fits")
    assert "is a link" in mended(moved)["place"].told


def test_damaged_models_and_fits_are_counted_and_stay(finished):
    key = "ab" * 32
    models = KeptModels(finished.path)
    models.put(key, KeptModel({"w": np.ones(3)}, {}, {"model": "ridge"}))
    assert not mended(finished.path)
    path = models.files(key)[0]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with sqlite3.connect(finished.path / "fits" / "fits.sqlite") as file:
        file.execute("UPDATE fits SET seconds = seconds + 1 WHERE rowid = 1")
    file.close()
    array = next((finished.path / "kept").glob("*.npz"))
    array.write_bytes(b"?")
    found = mended(finished.path)
    assert {name: one.told.split()[0] for name, one in found.items()} == {"models": "1", "fits": "1", "arrays": "1"}
    assert all("quorate cache verify" in one.remedy for one in found.values())
    assert path.exists()
    assert array.exists()
    call("cache", "verify", "--home", finished.path)  # the remedy works
    assert not mended(finished.path)


def test_a_file_of_fits_that_is_none_is_told(finished):
    path = finished.path / "fits" / "fits.sqlite"
    path.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    assert "cannot be read" in mended(finished.path)["fits"].told
    assert path.exists()


def test_runs_that_did_not_end_and_reports_that_were_changed(finished):
    [run] = finished.runs()
    for name, failure in (("20300101T000000.000000-cut-0001", ""), ("20300101T000001.000000-bad-0002", "x: no memory")):
        (finished.path / "runs" / name).mkdir()
        if failure:
            (finished.path / "runs" / name / "error.txt").write_text(failure)
    found = noted(finished.path)
    assert "cut-0001" in found["interrupted"].told
    assert found["interrupted"].remedy.startswith("quorate resume ")
    assert "no memory" in found["failed"].told
    path = run.path / "report.json"
    path.write_text(path.read_text().replace('"verdict": "', '"verdict": "NOT ', 1))
    assert "another seal" in mended(finished.path)[f"run {run.id}"].told


def test_what_killed_writes_left_is_noted(finished):
    left = finished.path / "bars" / f".x.parquet.1-{'ab' * 4}.tmp"
    left.write_text("half")
    assert "left over" not in noted(finished.path)  # it may still be written
    os.utime(left, (time.time() - 7200,) * 2)
    assert str(left) in noted(finished.path)["left over"].told
    assert left.exists()


def test_what_pruning_would_free_and_how_old_the_backup_is(finished, monkeypatch):
    monkeypatch.setattr(at_home, "MUCH", 1000)
    assert "prune" not in noted(finished.path)
    monkeypatch.setattr(at_home, "MONTH", -10.0)
    told = noted(finished.path)["prune"]
    assert told.remedy.startswith("quorate cache prune --older-than 30d")
    assert noted(finished.path)["backup"].remedy.startswith("quorate backup PLACE")
    call("backup", finished.path.parent / "elsewhere", "--home", finished.path)
    assert "backup" not in noted(finished.path)
    path = finished.path / "backup.json"
    then = (dt.datetime.now(dt.UTC) - dt.timedelta(days=40)).isoformat()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"made_at": then}))
    assert "40 days ago" in noted(finished.path)["backup"].told


def test_a_changed_version_is_told(finished, monkeypatch):
    class Registry:
        def __init__(self, home):
            pass

        def versions(self):
            import pandas as pd

            return pd.DataFrame({"name": ["a", "a"], "version": [1, 2]})

        def check(self, name):
            return ["report.json was changed"] if name == "a@2" else []

    monkeypatch.setattr(at_home, "ModelRegistry", Registry)
    found = {one.what: one for one in doctor(finished.path).findings}
    assert found["version a@2"].state == "mend"
    assert "1 version are" in found["registry"].told or found["registry"].state == "ok"


def test_a_clock_that_was_set_back_is_told(finished, monkeypatch):
    entries = [{"time": "2026-01-02T00:00:00+00:00"}, {"time": "2026-01-01T00:00:00+00:00"}]
    monkeypatch.setattr(at_home, "ledger_of", lambda home: SimpleNamespace(entries=lambda: entries))
    assert "went back 1 time" in noted(finished.path)["clock"].told
    entries.append({"time": "2100-01-01T00:00:00+00:00"})
    assert "still to come" in mended(finished.path)["clock"].told
    ticks = iter([0.0, 100.0])
    monkeypatch.setattr(at_machine, "time", SimpleNamespace(time=lambda: next(ticks), monotonic=lambda: 0.0))
    assert "+100.0 s" in mended(finished.path, "machine")["clock"].told


def test_limits_of_a_container_and_a_full_disk_are_told(tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(at_machine, "_gpu", lambda: at_machine.Machine("gpu", "ok", ""))
    monkeypatch.setattr(resources, "GROUP", tmp_path)
    for name, text in (("cpu.max", "100000 100000"), ("memory.max", 300 * MIB), ("memory.current", 200 * MIB)):
        (tmp_path / name).write_text(str(text))
    (tmp_path / "memory.stat").write_text("inactive_file 0\n")
    monkeypatch.setattr(os, "getloadavg", lambda: (7.0, 0.0, 0.0))
    monkeypatch.setattr(at_machine, "FULL", 1 << 60)
    found = {one.what: one for one in at_machine.machine(tmp_path)}
    assert found["processors"].state == "note"
    assert found["processors"].told.startswith("1 of ")
    assert "the container may use 1; load 7.0" in found["processors"].told
    assert found["memory"].state == "mend"
    assert found["memory"].told == "0.1 GiB free of 0.3 GiB, the limit of the container"
    assert (found["disk"].state, found["clock"].state) == ("mend", "ok")


def test_a_gpu_that_torch_does_not_see_is_told(monkeypatch):
    import sys

    cuda = SimpleNamespace(device_count=lambda: 0)
    torch = SimpleNamespace(cuda=cuda, version=SimpleNamespace(cuda=None), __version__="2.0+cpu")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(resources, "gpu_count", lambda: 1)
    found = at_machine._gpu()
    assert (found.state, found.told) == ("mend", "1 device, torch 2.0+cpu sees 0; it is built without CUDA")
    monkeypatch.setattr(resources, "gpu_count", lambda: 0)
    assert at_machine._gpu().state == "ok"


@pytest.mark.parametrize(
    "versions, what, state, told",
    [
        ({"numpy": ""}, "numpy", "mend", "is not installed"),
        ({"pandas": "1.0"}, "pandas", "mend", "is 1.0, and must be >=3.1"),
        ({"torch": "99.0"}, "torch", "mend", "must be"),
        ({"xgboost": "3.2.0"}, "xgboost", "mend", "lie in one folder"),
        ({"scipy": "99.0"}, "lock", "note", "scipy 99.0, not "),
    ],
)
def test_libraries_that_lack_are_old_or_clash_are_told(monkeypatch, versions, what, state, told):
    real = installed_here.installed
    monkeypatch.setattr(installed_here, "installed", lambda name: versions.get(name, real(name)))
    [found] = [one for one in installed_here.versions() if one.what == what]
    assert found.state == state
    assert told in found.told
    assert found.remedy


def test_an_extra_that_is_missing_is_no_fault_and_one_that_is_old_is(monkeypatch):
    real = installed_here.installed
    monkeypatch.setattr(installed_here, "installed", lambda name: "" if name == "pyarrow" else real(name))
    found = {one.what: one for one in installed_here.extras()}
    assert (found["arrow"].state, found["plots"].told) == ("ok", "pictures: installed")
    assert found["arrow"].told == "Arrow, Feather and ORC files: not installed"
    assert found["arrow"].remedy == "pip install 'quorate[arrow]'"
    monkeypatch.setattr(installed_here, "installed", lambda name: "1.0" if name == "pyarrow" else real(name))
    assert {one.what for one in installed_here.extras() if one.state == "mend"} == {"adbc", "arrow"}


def test_it_is_known_what_each_extra_is_for():
    names = importlib.metadata.metadata("quorate").get_all("Provides-Extra")
    assert set(installed_here.EXTRAS) == set(names) - {"dev"}


@pytest.mark.parametrize(
    "name, value, state",
    [
        ("OMP_NUM_THREADS", "1000", "mend"), ("OMP_NUM_THREADS", "many", "mend"), ("MKL_NUM_THREADS", "0", "mend"),
        ("OMP_NUM_THREADS", "1", "ok"), ("OMP_PROC_BIND", "true", "mend"), ("OMP_PROC_BIND", "false", "ok"),
        ("OMP_WAIT_POLICY", "ACTIVE", "note"), ("OMP_NUM_THREADS", "1,1", "ok"),
    ],
)  # fmt: skip
def test_threads_that_the_environment_asks_for(monkeypatch, name, value, state):
    monkeypatch.setenv(name, value)
    [found] = [one for one in installed_here.versions() if one.what == "threads"]
    assert found.state == state
    assert found.remedy == ("" if state == "ok" else f"unset {name}")


@pytest.mark.parametrize("level, state", [(2, "mend"), (1, "note")])
def test_python_without_docstrings_or_checks(monkeypatch, level, state):
    import sys

    flags = SimpleNamespace(optimize=level)
    monkeypatch.setattr(installed_here, "sys", SimpleNamespace(flags=flags, prefix=sys.prefix))
    [found] = [one for one in installed_here.versions() if one.what == "optimisation"]
    assert found.state == state


def changed(report: Report, symbols: int = 1, bars: int = 500, **took) -> Report:
    document = copy.deepcopy(dict(report.document))
    document["telemetry"] |= {"stages": {"fits": 1.0}, "total_memory_mib": 500.0, "peak_memory_mib": 300.0, **took}
    document["provenance"]["data"] |= {"bars": bars, "symbols": [f"S{i}" for i in range(symbols)]}
    return Report(document, report.source)


def test_advice_stands_on_a_figure_of_a_run_and_there_is_none_without(finished, monkeypatch):
    report = load_report(home=finished.path)
    assert not list(advice([changed(report, fit_cpu_seconds={"ridge": 0.1, "logistic": 0.1})]))
    [none] = advice([])
    assert (none.state, none.run) == ("ok", "")
    monkeypatch.setattr("quorate.runs.doctor.advice.cpu_count", lambda: 8)
    monkeypatch.setattr("quorate.runs.doctor.advice.gpu_count", lambda: 0)
    few = {"fit_cpu_seconds": {"ridge": 0.1}}
    cases = [
        ({"stages": {"fits": 4000.0}, **few}, "training", "more than an hour", 'execution.executor="ray"'),
        ({"stages": {"fits": 8000.0}, **few}, "training", "more than two hours", "HOST:PORT"),
        ({"total_memory_mib": 8192.0, "peak_memory_mib": 1024.0, "workers": 7, **few}, "memory",
         "8.0 GiB at most, 1.0 of it without workers", "execution.workers=3"),
        ({"total_memory_mib": 9000.0, "peak_memory_mib": 8192.0, "workers": 2, **few}, "memory", "8.8 GiB",
         "fewer symbols"),
        ({"bars": 12_000, **few}, "records", "more than 10,000", "--section timings"),
        ({"bars": 2_000, "symbols": 30, **few}, "records", "more than 50,000", 'execution.executor="ray"'),
        ({"workers": 1, "fit_cpu_seconds": {"ridge": 5.0, "gru": 40.0}}, "parallel models",
         "45.0 CPU s one after the other", 'execution.executor="auto"'),
        ({"symbols": 3, **few}, "symbols", "3 symbols", ""),
    ]  # fmt: skip
    for took, what, told, remedy in cases:
        found = {one.what: one for one in advice([changed(report, **few), changed(report, **took)])}
        assert told in found[what].told, (what, found[what])
        assert remedy in found[what].remedy, (what, found[what])
        assert found[what].run == report.run_id


def test_runs_of_earlier_versions_that_do_not_tell_of_workers_are_read(finished):
    document = copy.deepcopy(dict(load_report(home=finished.path).document))
    for name in ("total_memory_mib", "cpu_seconds", "stage_use"):
        del document["telemetry"][name]
    assert not [one for one in advice([Report(document, None)]) if one.what == "memory"]


def test_a_recipe_is_looked_at_too(finished, tmp_path, monkeypatch):
    assert doctor(finished.path, "planted").sound
    bad = tmp_path / "bad.toml"
    bad.write_text('[data]\nsource = "simulated"\n[models.no-such-model]\n')
    [wrong] = [one for one in doctor(finished.path, bad).findings if one.state == "mend"]
    assert (wrong.topic, "no-such-model" in wrong.told) == ("recipe", True)
    greedy = tmp_path / "greedy.toml"
    greedy.write_text(
        '[data]\nsource = "simulated"\n[models.ridge]\n[models.gru]\ndevice = "cuda"\n'
        "[execution]\nworkers = 1000\nfit_memory = 1.0\n"
    )
    monkeypatch.setattr(resources, "gpu_count", lambda: 0)
    found = {one.what: one for one in doctor(finished.path, greedy).findings if one.topic == "recipe"}
    assert found["workers"].state == "note"
    assert (found["memory"].state, found["memory"].remedy) == ("mend", "--set execution.workers=16")
    assert found["gpu"].state == "note"
    assert call("doctor", "nadsaq", "--home", tmp_path / "none").exit_code == 1


def test_what_goes_wrong_in_looking_is_a_finding(finished, monkeypatch):
    def broken(home):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(at_home, "verify", broken)
    found = mended(finished.path)
    assert "Input/output error" in found["not all could be looked at"].told


def test_a_backup_tells_no_secret_of_an_address():
    from quorate.store.backup import _shown

    assert _shown("s3://key:secret@bucket/folder?token=1") == "s3://bucket/folder"
    assert _shown("/mnt/b") == "/mnt/b"
