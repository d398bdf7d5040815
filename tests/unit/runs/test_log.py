"""The log of a run: every event a line at once, whatever was left there before."""

import json
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest

from quorate import StoreError, __version__
from quorate.execution.progress import Clock, Progress, Several
from quorate.execution.task import FitResult
from quorate.runs.log import RunLog
from quorate.store.log import LOG, read_log


@pytest.fixture
def log():
    made = RunLog()
    yield made
    made.close()


def lines(folder):
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines() if line]


def result(fold=0, **more):
    return FitResult("gru", fold, np.zeros(1), key="k" * 64, place="atlas:7", began=1e9 + 0.25, seconds=2.0, **more)


def test_every_event_is_there_at_once(tmp_path, log):
    log.run(tmp_path, "resume")
    log.planned({"fits": {"gru": 1}, "cached": 0, "seconds": 2.0, "guessed": True, "executor": "ray", "workers": 2,
                 "doubts": ["one fold"], "folds": [{"fold": 5}], "recipe": "mine"})  # fmt: skip
    log.fits({"gru": 1}, [5])
    log.workers(2, "ray")
    log.began([SimpleNamespace(replicate=k, which=("gru", 5, k)) for k in (0, 2)])
    log.fitted(result(5, cpu_seconds=1.5, notes=("odd",), error="line one\nline two"))
    log.trial({"model": "gru", "trial": 3, "best": [0.5]})
    log.warn("look \N{SNOWMAN} out")
    log.note("no GPU")
    log.ended("finished")
    events = lines(tmp_path)
    assert all(abs(event.pop("time") - time.time()) < 60 for event in events)
    who = {"pid": os.getpid(), "host": os.uname().nodename, "version": __version__}
    assert events == [
        {"event": "run", "run": tmp_path.name, "command": "resume", **who},
        {
            "event": "plan",
            "folds": 1,
            "fits": {"gru": 1},
            "cached": 0,
            "seconds": 2.0,
            "guessed": True,
            "executor": "ray",
            "workers": 2,
            "doubts": ["one fold"],
        },
        {"event": "fits", "totals": {"gru": 1}, "folds": 1, "numbers": [5]},
        {"event": "workers", "workers": 2, "executor": "ray"},
        {"event": "handed", "fits": [["gru", 5], ["gru", 5, 2]]},
        {
            "event": "fit",
            "model": "gru",
            "fold": 5,
            "key": "k" * 64,
            "cached": False,
            "place": "atlas:7",
            "began": 1e9 + 0.25,
            "seconds": 2.0,
            "cpu_seconds": 1.5,
            "error": "line one\nline two",
            "notes": ["odd"],
        },
        {"event": "trial", "model": "gru", "trial": 3, "best": [0.5]},
        {"event": "warning", "message": "look \N{SNOWMAN} out"},
        {"event": "note", "message": "no GPU"},
        {"event": "end", "state": "finished"},
    ]


def test_what_is_heard_before_the_run_has_a_folder_follows_when_it_has(tmp_path, log):
    shown = Progress()
    shown.since = time.time() - 1
    clock = Clock(Several(shown, log))
    with clock.stage("recipe"):
        log.warn("early")
        log.run(tmp_path)
        assert [e["event"] for e in lines(tmp_path)] == ["run", "use", "stage", "stage", "warning"]
    run, _, start, begin, warning, use, end = lines(tmp_path)
    assert (start["name"], start["state"]) == ("start", "end")
    assert start["began"] == pytest.approx(time.time() - 1, abs=0.5)
    assert start["seconds"] == pytest.approx(1.0, abs=0.5)
    assert (begin["name"], begin["state"]) == ("recipe", "begin")
    assert (end["name"], end["state"]) == ("recipe", "end")
    assert (use["event"], use["stage"]) == ("use", "recipe")
    assert use["total_memory_mib"] >= use["peak_memory_mib"] > 1
    assert begin["time"] <= warning["time"] <= run["time"] <= end["time"]


@pytest.mark.parametrize("torn", ["", "\n", '{"time":1.0,"event":"fi', '{"time":1.0,"event":"note","message":"whole"}'])
def test_a_log_goes_on_after_whatever_a_kill_left(tmp_path, log, torn):
    whole = '{"time":0.5,"event":"note","message":"before"}\n'
    (tmp_path / LOG).write_text(whole + torn)
    log.run(tmp_path, "resume")
    log.note("after")
    log.close()
    assert (tmp_path / LOG).read_text().startswith(whole + torn)
    told = [event.get("message", event["event"]) for event in read_log(tmp_path)]
    assert told == ["before", *(["whole"] if "whole" in torn else []), "run", "after"]


def test_a_reader_gets_along_with_a_line_cut_at_any_byte(tmp_path, log):
    log.run(tmp_path)
    log.note("é\N{SNOWMAN}")
    log.note("last")
    written = (tmp_path / LOG).read_bytes()
    for n in range(len(written) + 1):
        (tmp_path / LOG).write_bytes(written[:n])
        # A line is whole with its last brace.
        assert len(read_log(tmp_path)) == written[:n].count(b"}\n") + written[:n].endswith(b"}")


def test_lines_that_are_no_events_are_left_out(tmp_path):
    (tmp_path / LOG).write_bytes(b'null\n[]\n{"time":1}\n\xff\xfe\n{"time":1,"event":"note"}\n')
    assert read_log(tmp_path) == [{"time": 1, "event": "note"}]


def test_a_run_without_a_log_is_told(tmp_path):
    with pytest.raises(StoreError, match=f"run {tmp_path.name} has no log: .*{LOG} is missing"):
        read_log(tmp_path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_does_not_stop_a_run(tmp_path, log):
    (tmp_path / LOG).symlink_to("/dev/full")
    log.run(tmp_path)
    log.fitted(result())
    log.ended("finished")


def test_a_line_that_was_cut_by_a_full_disk_does_not_spoil_the_next(tmp_path, log, monkeypatch):
    log.run(tmp_path)
    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, line: write(file, line[:20]))
        log.note("cut")
    log.note("whole")
    assert [event["event"] for event in read_log(tmp_path)] == ["run", "note"]
    assert read_log(tmp_path)[1]["message"] == "whole"


def test_a_folder_that_cannot_be_written_does_not_stop_a_run(tmp_path, log):
    log.run(tmp_path / "nowhere")
    log.note("anything")
    log.ended("failed")


def test_ten_thousand_fits_are_written_quickly(tmp_path, log):
    log.run(tmp_path)
    began = time.process_time()
    for fold in range(10_000):
        log.fitted(result(fold))
    took = time.process_time() - began
    assert len(read_log(tmp_path)) == 10_001
    assert took < 5.0  # 0.5 ms each, and it takes a tenth of that
