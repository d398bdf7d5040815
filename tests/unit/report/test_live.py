"""What is known of a run or a sweep while it goes on, from its log and what holds it."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys

import pytest

from quorate.report.live import Watched, going_on
from quorate.store import Home, Run
from quorate.store.log import LOG
from support.logs import START, append, busy, fit_event, fits_event, run_event, stage_event, trial_event

HERE = os.uname().nodename


class Clock:
    def __init__(self):
        self.seconds = START

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def run(tmp_path):
    made = Run(Home(tmp_path / "home"), "20260101T093320.000000-nightly-6f1a")
    made.path.mkdir(parents=True)
    return made


@pytest.fixture
def watched(run, clock):
    return Watched(run, clock)


def told(watched, width=100, height=40, wide=True):
    watched.update()
    text = watched.draw(width, height, wide).plain
    lines = text.split("\n")
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    return text


def begun(*more, host="atlas", folds=4):
    return [
        run_event(host=host),
        stage_event(START + 1, "start", 2.0),
        stage_event(START + 1, "fits"),
        fits_event(START + 1, ["gru", "mlp"], folds),
        {"time": START + 1, "event": "workers", "workers": 2, "executor": "processes"},
        *more,
    ]


def handed(time, *fits):
    return {"time": time, "event": "handed", "fits": [list(fit) for fit in fits]}


# --- what is shown


def test_a_run_is_told_fit_by_fit(watched, run, clock):
    append(run.path, *begun(handed(START + 2, ("gru", 0)), handed(START + 2, ("mlp", 3))))
    clock.seconds = START + 5
    text = told(watched)
    assert "running  20260101T093320.000000-nightly-6f1a" in text
    assert "quorate run since 2026-01-01 09:33:19 UTC  process 4012 on atlas  2 workers on processes" in text
    assert "start 2.0 s  fits 4 s" in text
    assert "gru ▸··· 0/4" in text
    assert "mlp ···▸ 0/4" in text
    assert "workers 2/2 busy, longest gru on fold 0, 3 s" in text
    assert "1 gru fold 0 3 s" in text
    assert "2 mlp fold 3 3 s" in text
    assert "elapsed 6 s  ETA -  - fits/min" in text
    assert "no fit failed" in text
    assert "verdict  at the end, when all gates are known" in text
    append(run.path, fit_event(START + 6, "gru", 0, seconds=4.0), fit_event(START + 6, "mlp", 2, cached=True),
           handed(START + 6, ("gru", 1)), fit_event(START + 7, "mlp", 3, error="its process\ndied"),
           {"time": START + 7, "event": "warning", "message": "gru is \x1b[2J slow"})  # fmt: skip
    clock.seconds = START + 8
    text = told(watched)
    assert "gru █▸·· 1/4" in text
    assert "mlp ··▒✗ 2/4" in text
    assert "1 gru fold 1 2 s" in text
    assert "2 computed, 1 cached" in text
    assert "CPU 1.8 s" in text
    assert "1 failed, the last mlp on fold 3: its process died" in text
    assert "1 warning\n  gru is \\x1b[2J slow" in text
    assert "ETA -" not in text


def test_time_goes_on_between_two_events_and_ends_with_the_run(watched, run, clock):
    append(run.path, *begun())
    clock.seconds = START + 61
    assert "elapsed 1 min 02 s" in told(watched)
    clock.seconds += 60
    assert not watched.update()
    assert "elapsed 2 min 02 s" in told(watched)
    append(run.path, {"time": START + 130, "event": "end", "state": "interrupted"})
    clock.seconds += 600
    assert watched.update()
    assert "elapsed 2 min 11 s" in told(watched)
    assert watched.over


@pytest.mark.parametrize("off", [-500.0, 500.0])
def test_a_machine_whose_clock_is_off_makes_no_time(watched, run, clock, off):
    append(run.path, run_event(START + off))
    clock.seconds = START + 9.8
    told(watched)
    append(run.path, stage_event(START + off + 10, "fits"))
    clock.seconds = START + 10.5
    told(watched)
    clock.seconds = START + 12.5
    told(watched)
    assert watched.heard.elapsed == pytest.approx(12.5, abs=0.6)
    assert watched.silence == pytest.approx(2.5, abs=0.6)


def test_clocks_that_agree_are_not_corrected_however_seldom_is_looked(watched, run, clock):
    append(run.path, run_event(START))
    told(watched)
    for i in range(1, 5):
        append(run.path, stage_event(START + 60 * i - 50, f"stage-{i}"))
        clock.seconds = START + 60 * i
        told(watched)
        assert watched.heard.elapsed == 60 * i


def test_many_workers_are_letters(watched, run, clock):
    events = list(busy(64, 4, 50))
    append(run.path, *events[:120])
    clock.seconds = events[119]["time"]
    lines = told(watched, 80).split("\n")
    [strip] = [line for line in lines if len(line) == 64 and set(line) <= set("abcd·")]
    assert len(strip.replace("·", "")) == watched.heard.board.busy > 60
    assert any(line.startswith("a model-0 ") for line in lines)
    assert "on node-0" in "".join(lines)
    assert "on node-3" in "".join(lines)


def test_a_terminal_of_any_size_is_enough(watched, run, clock):
    append(run.path, *list(busy(64, 30, 40))[:1500], *(trial_event(START + 9, i, f"model-{i}") for i in range(9)))
    clock.seconds = START + 100
    for width in (1, 8, 20, 40, 80, 200):
        for height in (1, 2, 5, 12, 24, 60):
            told(watched, width, height)
            assert told(watched, width, height, wide=False).isascii()
    assert len(told(watched, 40, 24).split("\n")) == 24


def test_names_of_two_columns_a_letter_are_cut_to_the_width(watched, run):
    append(run.path, run_event(), fits_event(START, ["\N{CJK UNIFIED IDEOGRAPH-6A21}" * 20], 3))
    watched.update()
    assert max(line.cell_len for line in watched.draw(40, 20).split("\n")) <= 40


def test_trials_of_a_sweep_are_told_against_the_recipe_and_luck(tmp_path, clock):
    sweep = Run(Home(tmp_path), "s", "sweep")
    append(sweep.path, run_event(command="sweep"), stage_event(START, "trials"), trial_event(START + 6, 9))
    watched = Watched(sweep, clock)
    clock.seconds = START + 10
    text = told(watched, 160)
    assert "running  sweep s" in text
    assert "10/40" in text
    assert "best 0.65, 0.01 below the recipe's own, luck alone 0.002  trial 9 0.69  2 under way" in text
    assert "ETA 6 s" in text
    assert "trials/min" in text
    assert "verdict  after the trials" in text


# --- states


def test_a_run_that_is_held_is_running_and_one_that_is_not_was_interrupted(run, watched):
    with run.driving():
        watched.update()
        assert (watched.state, watched.over) == ("starting", False)
        append(run.path, run_event(host=HERE))
        watched.update()
        assert watched.state == "running"
        assert [one.run.id for one in going_on(run.home)] == [run.id]
    watched.update()
    assert (watched.state, watched.over) == ("interrupted", True)
    assert f"next: quorate resume {run.id}" in told(watched)
    assert going_on(run.home) == []


def test_of_another_machine_nothing_is_claimed(run, watched, clock):
    append(run.path, run_event(host="elsewhere"), stage_event(START + 10, "fits"))
    clock.seconds = START + 30
    assert "last word 20 s ago" in told(watched)
    clock.seconds = START + 200
    text = told(watched)
    assert "no sign of life for 3 min 10 s; whether it still runs is known on elsewhere" in text
    assert f"if it was stopped: quorate resume {run.id}" in text
    assert (watched.state, watched.over) == ("running", False)


def test_a_run_that_is_resumed_is_told_from_there(run, watched, clock):
    append(
        run.path, *begun(fit_event(START + 3), host=HERE), {"time": START + 4, "event": "end", "state": "interrupted"}
    )
    assert "interrupted" in told(watched)
    with run.driving():
        later = [
            {**event, "time": event["time"] + 100} for event in begun(fit_event(START + 3, cached=True), host=HERE)
        ]
        append(run.path, {**later[0], "command": "resume"}, *later[1:])
        clock.seconds = START + 104
        text = told(watched)
    assert "running, again" in text
    assert "quorate resume since" in text
    assert "process 2 of this run" in text
    assert "gru ▒··· 1/4" in text
    assert "0 computed, 1 cached" in text


def test_a_failed_run_says_why_and_how_to_go_on(run, watched):
    append(run.path, run_event(host=HERE), {"time": START + 4, "event": "end", "state": "failed"})
    (run.path / "error.txt").write_text("Traceback (most recent call last):\n  File x\nValueError: no room\n")
    text = told(watched)
    assert "failed  2026" in text
    assert "ValueError: no room" in text
    assert f"next: quorate resume {run.id}" in text


def test_a_promotion_that_was_interrupted_is_promoted_again(run, watched):
    append(
        run.path, run_event(command="promote", host=HERE), {"time": START + 4, "event": "end", "state": "interrupted"}
    )
    assert f"next: quorate promote {run.id}" in told(watched)


def test_a_run_without_a_log_is_told_as_far_as_it_is_known(run, watched, clock):
    clock.seconds = run.path.stat().st_mtime + 1
    assert "nothing was written to its log yet" in told(watched)
    assert not watched.over
    clock.seconds += 60
    assert "it has no log" in told(watched)
    assert watched.state == "interrupted"
    (run.path / "job.json").write_text("{}")
    with run.driving():  # somebody waits for it
        assert "a cluster computes it" in told(watched)
        assert not watched.over
    assert "a cluster computes it" in told(watched)
    assert watched.over


def test_a_run_that_is_removed_meanwhile_is_over(run, watched):
    append(run.path, *begun())
    told(watched)
    shutil.rmtree(run.home.path)
    assert "removed" in told(watched)
    assert watched.over
    assert watched.next_step == ""


def test_a_log_that_is_a_pipe_is_told(run, watched):
    os.mkfifo(run.path / LOG)
    assert "remove it" in told(watched)
    assert (watched.state, watched.over) == ("damaged", True)


def test_a_log_that_begins_anew_is_counted_anew(run, watched):
    append(run.path, *begun(fit_event(START + 2)))
    told(watched)
    (run.path / LOG).unlink()
    append(run.path, *begun())
    told(watched)
    assert (watched.heard.attempts, watched.heard.computed) == (1, 0)


def test_a_finished_run_tells_its_verdict_and_what_to_do_next(finished):
    [run] = finished.runs()
    watched = Watched(run)
    text = told(watched)
    assert watched.verdict in ("PASS", "FAIL", "INSUFFICIENT")
    assert f"verdict  {watched.verdict}" in text
    assert "after costs" in text
    assert f"next: quorate report {run.id}" in text
    assert watched.heard.board.done == watched.heard.board.total == watched.heard.computed + watched.heard.cached
    (run.path / "report.json").write_text("{}")
    watched = Watched(run)
    assert "finished" in told(watched)  # and that its report is none


# --- logs that are not whole, or not ours


def test_a_log_of_an_earlier_version_is_read(run, watched):
    events = begun(fit_event(START + 2))
    append(run.path, *({k: v for k, v in event.items() if k != "numbers"} for event in events))
    assert "gru █··· 1/4" in told(watched)


def test_no_damage_of_a_log_stops_the_watch(run, clock):
    """Values of every event are replaced by others, and bytes of the file too."""
    rng = random.Random(11)
    more = [trial_event(START + 3, 1), {"time": START + 3, "event": "warning", "message": "w"},
            {"time": START + 3, "event": "plan", "doubts": ["few folds"]}]  # fmt: skip
    events = begun(handed(START + 2, ("gru", 0)), fit_event(START + 3, error="e"), *more)
    strange = [None, -1, 1e300, "x" * 50, [], {}, [[1]], {"gru": 1e18}, True, "\x1b[2J"]
    clock.seconds = START + 9
    for _ in range(120):
        event = dict(rng.choice(events))
        event[rng.choice(list(event))] = rng.choice(strange)
        log = [*events[: rng.randrange(len(events) + 1)], event, *events]
        content = bytearray("".join(json.dumps(one) + "\n" for one in log).encode())
        for _ in range(rng.randrange(4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        (run.path / LOG).write_bytes(content)
        watched = Watched(run, clock)
        told(watched, rng.choice([20, 80]), rng.choice([6, 40]))
        json.dumps(watched.to_plain(), allow_nan=False)
        assert watched.line().isprintable()


def test_lines_that_are_none_are_counted(run, watched):
    append(run.path, *begun())
    with open(run.path / LOG, "a") as file:
        file.write("what\n")
    assert "1 line of the log could not be read" in told(watched)


def test_looking_on_loads_no_numbers():
    import subprocess

    code = "import sys, quorate.report.live, quorate.report.views.watch, quorate.report.screen; "
    code += "print([m for m in ('numpy', 'pandas', 'duckdb', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def use_event(time, stage, seconds, mib):
    return {"time": time, "event": "use", "stage": stage, "cpu_seconds": seconds, "total_memory_mib": mib}


def test_memory_of_all_processes_is_shown_and_what_grows_beyond_its_limit_is_told(watched, run, clock):
    events = [run_event(START), stage_event(START, "fits"), use_event(START + 1, "data", 0.5, 300.0)]
    append(run.path, *events, fits_event(START + 1, ["ridge", "gru"], 4))
    append(run.path, {"time": START + 1, "event": "workers", "workers": 1, "executor": "serial"})
    clock.seconds = START + 2
    assert "memory 300 MiB" in told(watched)
    assert watched.heard.limits == []
    append(run.path, use_event(START + 4000, "data", 1.0, 5000.0), {"time": START + 4001, "event": "use"})
    clock.seconds = START + 4002
    assert "quorate doctor says what helps" in told(watched)
    training, memory, alone = watched.heard.limits
    assert "more than an hour" in training
    assert "4.9 GiB of memory, more than 4" in memory
    assert "fits of 2 models run one after the other" in alone
    plain = watched.to_plain()
    assert plain["stage_use"] == {"data": {"cpu_seconds": 1.5, "total_memory_mib": 5000.0}}
    assert len(plain["limits"]) == 3
