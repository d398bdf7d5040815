"""What ran where and when, from the log alone."""

import io
import json
import re
import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quorate import StoreError
from quorate.cli._app import app
from quorate.report import console
from quorate.report.timeline import chrome_trace, make_timeline
from quorate.report.views.timeline import render
from quorate.store.log import LOG, read_log

SAMPLE = Path(__file__).parents[2] / "snapshots" / "timeline.jsonl"
RUN = "20260101T093320-nightly-6f1a"


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home" / "runs" / RUN
    folder.mkdir(parents=True)
    shutil.copy(SAMPLE, folder / LOG)
    return tmp_path / "home"


@pytest.fixture
def sample(home):
    return make_timeline(RUN, read_log(home / "runs" / RUN))


def run_event(time=100.0, **more):
    about = {"run": "r", "command": "run", "pid": 1, "host": "here", "version": "1"}
    return {"time": time, "event": "run", **about, **more}


def fit_event(time, model="m", fold=0, place="here:7", began=None, seconds=1.0, error="", cached=False):
    began = time - seconds if began is None else began
    return {"time": time, "event": "fit", "model": model, "fold": fold, "key": "", "cached": cached, "place": place,
            "began": began, "seconds": seconds, "cpu_seconds": seconds, "error": error, "notes": []}  # fmt: skip


def handed(time, *fits):
    return {"time": time, "event": "handed", "fits": [list(fit) for fit in fits]}


# --- reading the log


def test_a_killed_and_finished_run_is_told_process_by_process(sample):
    first, second = sample.attempts
    assert (first.command, first.state, first.workers, first.executor) == ("run", "killed", 2, "processes")
    assert (second.command, second.state, second.workers, second.executor) == ("resume", "finished", 3, "ray")
    assert [len(a.fits) for a in sample.attempts] == [8, 16]
    assert (sum(first.cached.values()), sum(second.cached.values())) == (0, 8)
    assert (first.in_flight, second.in_flight) == (2, 0)
    assert [sum(bool(f.error) for f in a.fits) for a in sample.attempts] == [1, 0]
    assert first.warnings == ["model 'gru' is slow"]
    assert [(m["model"], m["fits"], m["cached"], m["failed"]) for m in sample.models] == [
        ("gru", 6, 6, 1),
        ("random-forest", 6, 2, 0),
        ("lightgbm", 6, 0, 0),
        ("logistic", 6, 0, 0),
    ]
    assert [(f.name, f.fold) for f in sample.fits[:2]] == [("gru", 5), ("gru", 4)]


def test_stages_cover_a_process_from_its_start_to_its_end(sample):
    for attempt in sample.attempts:
        assert attempt.stages[0].name == "start"
        assert attempt.began == attempt.stages[0].began
        assert sum(stage.seconds for stage in attempt.stages) == pytest.approx(attempt.seconds, rel=0.01)


def test_the_stage_in_which_a_process_was_killed_goes_up_to_its_last_word():
    begin = {"time": 101.0, "event": "stage", "state": "begin", "name": "fits"}
    [attempt] = make_timeline("r", [run_event(), begin, fit_event(105.0)]).attempts
    assert [(s.name, s.began, s.seconds) for s in attempt.stages] == [("fits", 101.0, 4.0)]


def test_a_run_that_goes_on_is_not_said_to_be_killed():
    assert make_timeline("r", [run_event()], running=True).attempts[0].state == "running"
    ended = [run_event(), {"time": 101.0, "event": "end", "state": "failed"}]
    assert make_timeline("r", ended, running=True).attempts[0].state == "failed"


def test_fits_that_were_handed_out_again_are_counted():
    events = [run_event(), handed(101.0, ("m", 0), ("m", 1), ("m", 2)), fit_event(102.0), handed(102.0, ("m", 1)),
              fit_event(103.0, fold=1), handed(103.0, ("m", 2))]  # fmt: skip
    [attempt] = make_timeline("r", events).attempts
    assert (attempt.repeated, attempt.in_flight) == (2, 1)


def test_busy_and_idle_add_up_to_all_workers(sample):
    for attempt in sample.attempts:
        assert attempt.busy + attempt.idle == pytest.approx(attempt.workers * attempt.span)
    events = [run_event(), fit_event(104.0, seconds=4.0), fit_event(101.0, fold=1, place="here:8")]
    [attempt] = make_timeline("r", events).attempts
    assert (attempt.span, attempt.busy, attempt.idle) == (4.0, 5.0, 3.0)


def test_another_machines_clock_is_put_right(sample):
    for attempt in sample.attempts:
        for fit in attempt.fits:
            assert attempt.began < fit.began < fit.end < attempt.end


@pytest.mark.parametrize("off, moved", [(0.0, 0.0), (-0.4, 0.0), (30.0, -30.0), (-30.0, 30.0)])
def test_a_clock_is_moved_no_further_than_the_events_ask_for(off, moved):
    # Handed out at 101, back at 104, three seconds later; it took two.
    events = [run_event(), handed(101.0, ("m", 0)), fit_event(104.0, place="there:9", began=101.5 + off, seconds=2.0)]
    [fit] = make_timeline("r", events).attempts[0].fits
    assert fit.began == pytest.approx(101.5 + off + moved, abs=0.51)
    assert fit.began >= 101.0
    assert fit.end <= 104.0
    own = [{**event, "place": "here:9"} if event["event"] == "fit" else event for event in events]
    assert make_timeline("r", own).attempts[0].fits[0].began == 101.5 + off


@pytest.mark.parametrize(
    "events, told",
    [
        ([], "does not say who worked on it"),
        ([{"time": 1.0, "event": "note", "message": "x"}], "does not say who worked on it"),
        ([{"time": 1.0, "event": "run"}], "is not what this quorate writes: KeyError 'command'"),
        ([run_event(), {"time": "noon", "event": "note"}], "is not what this quorate writes: TypeError"),
    ],
)
def test_a_log_that_cannot_be_used_is_told(events, told):
    with pytest.raises(StoreError, match=told):
        make_timeline("r", events)


# --- renderings


def test_the_trace_has_every_fit_and_stage_on_its_machine_and_worker(sample):
    trace = json.loads(json.dumps(chrome_trace(sample), allow_nan=False))
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert trace["otherData"] == {"run": RUN, "began": "2026-01-01T09:33:20+00:00", "cached fits": 8}
    names = {(e["name"], e["pid"], e["tid"]): e["args"]["name"] for e in trace["traceEvents"] if e["ph"] == "M"}
    assert {name for (kind, _, _), name in names.items() if kind == "process_name"} == {"atlas", "borea", "lost"}
    complete = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert len(complete) + len(names) == len(trace["traceEvents"])
    assert sum(e["cat"] == "fit" for e in complete) == 24
    assert sum(e["cat"] == "stage" for e in complete) == 5 + 9
    assert [e["name"] for e in complete if e["cat"] == "run"] == ["run", "resume"]
    for e in complete:
        assert ("thread_name", e["pid"], e["tid"]) in names
        assert isinstance(e["ts"], int)
        assert isinstance(e["dur"], int)
        assert e["ts"] >= 0
        assert e["dur"] >= 0
    [gru] = [e for e in complete if e["name"] == "gru" and e["args"]["fold"] == 5]
    assert (gru["dur"], names["thread_name", gru["pid"], gru["tid"]]) == (9_900_000, "worker 4012")
    [failed] = [e for e in complete if e["args"].get("error")]
    assert names["process_name", failed["pid"], 0] == "lost"


def test_no_two_fits_of_a_worker_overlap_in_the_trace():
    # The fit's length and its beginning are measured by two clocks.
    events = [run_event(), fit_event(102.0, began=101.0, seconds=1.0003),
              fit_event(103.0, fold=1, began=102.0001, seconds=0.9)]  # fmt: skip
    ends = defaultdict(int)
    for e in chrome_trace(make_timeline("r", events))["traceEvents"]:
        if e["ph"] == "X" and e["cat"] == "fit":
            assert e["ts"] >= ends[e["tid"]]
            ends[e["tid"]] = e["ts"] + e["dur"]
    assert ends


def test_plain_data_says_the_same(sample):
    plain = json.loads(json.dumps(sample.to_plain(), allow_nan=False))
    assert (plain["run"], plain["restarts"]) == (RUN, 1)
    first, second = plain["attempts"]
    assert (first["state"], first["computed"], first["failed"], first["in_flight_at_the_end"]) == ("killed", 8, 1, 2)
    assert (second["cached"], second["workers"], second["executor"]) == (8, 3, "ray")
    assert len(second["fits"]) == 16
    assert {p["place"]: p["fits"] for p in second["places"]} == {"atlas:4102": 4, "atlas:4103": 6, "borea:71": 6}
    assert all(0.9 < p["utilisation"] <= 1.0 for p in second["places"])
    assert second["busy_seconds"] + second["idle_seconds"] == pytest.approx(3 * second["fits_seconds"], abs=1e-4)


def shown(timeline, width=80):
    target = console.Console(file=io.StringIO(), width=width, highlight=False, color_system=None)
    render(timeline, target)
    lines = [line.rstrip() for line in target.file.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    return lines


@pytest.mark.parametrize("width", [40, 80, 200])
def test_many_workers_models_and_processes_stay_readable(width):
    events = []
    for attempt in range(9):
        events.append(run_event(1000.0 * attempt))
        for i in range(300):
            place = f"a-host-with-a-long-name-{i % 4}.cluster.internal:{i % 40}"
            events.append(fit_event(1000.0 * attempt + 5 + i / 10, f"a-model-with-a-long-name-{i % 60}", i, place))
    lines = shown(make_timeline("r", events), width)
    assert "3 more before these, not shown" in lines
    assert sum("and 24 more" in line for line in lines) == 6
    assert sum(line.startswith(" 48 more") for line in lines) == 1


def test_a_run_that_was_killed_at_once_or_found_everything_has_a_timeline():
    assert "killed after 0.0 s" in shown(make_timeline("r", [run_event()]))[2]
    cached = [run_event(), *(fit_event(101.0, fold=i, cached=True) for i in range(5))]
    assert shown(make_timeline("r", cached))[-1] == "5 fits cached"


def test_markup_in_names_is_printed_as_it_is():
    events = [run_event(host="[red]x"), fit_event(103.0, "[bold]m")]
    lines = "\n".join(shown(make_timeline("[i]r", events), 120))
    assert "[i]r" in lines
    assert "[red]x" in lines
    assert lines.count("[bold]m") == 2


def test_a_column_says_how_busy_a_worker_was():
    end = {"time": 80.0, "event": "end", "state": "finished"}
    events = [run_event(0.0), fit_event(40.0, "long", 0, seconds=20.0), fit_event(41.0, "short", 1, seconds=0.05),
              fit_event(60.0, "bad", 2, seconds=5.0, error="boom"), end]  # fmt: skip
    [lane] = [line for line in shown(make_timeline("r", events), 60) if line.startswith("7 ")]
    # 20 s of 80 and 5 s of 80, in 39 columns.
    assert re.fullmatch(r"7 +·+:?a{9,10}:?·+:?b{1,2}!·+ +3  63%", lane)


# --- the command


def command(home, *arguments):
    return CliRunner().invoke(app, ["timeline", *map(str, arguments), "--home", str(home)])


def test_the_command_prints_or_writes_what_it_is_asked_for(home, tmp_path):
    assert command(home, "nightly").stdout.startswith(RUN)
    assert json.loads(command(home, "nightly", "--json").stdout)["run"] == RUN
    file = tmp_path / "deep" / "trace.json"
    told = f"{file}: 24 fits; open it in chrome://tracing or https://ui.perfetto.dev\n"
    assert command(home, "nightly", "--chrome", file).stdout == told
    assert len(json.loads(file.read_text())["traceEvents"]) > 24


def test_the_command_tells_what_is_missing(home):
    assert "there is no run 'nightli' in" in command(home, "nightli").stderr
    (home / "runs" / RUN / LOG).unlink()
    assert f"run {RUN} has no log" in command(home, RUN).stderr
