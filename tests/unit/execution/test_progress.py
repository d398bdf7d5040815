"""What a run tells while it goes on: counting fits, showing them at any size, timing stages."""

import inspect
import io
import os
import re
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from quorate.execution import resources
from quorate.execution.progress import CACHED, DONE, FAILED, RUNNING, WAITING, Clock, Progress, Several
from quorate.execution.task import FitResult
from quorate.report import console
from quorate.report import progress as displays
from quorate.report.board import Board


class Now:
    """A clock that goes when it is told to."""

    def __init__(self):
        self.seconds = 1000.0

    def monotonic(self):
        return self.seconds


@pytest.fixture
def now(monkeypatch):
    clock = Now()
    monkeypatch.setattr("quorate.report.board.time", clock)
    return clock


def task(model, fold):
    return SimpleNamespace(model=model, fold=fold, replicate=0)


def done(model, fold, seconds=1.0, cached=False, error=""):
    return FitResult(model, fold, np.zeros(1), seconds=seconds, cached=cached, error=error)


def board(models=("a", "b"), folds=range(4), slots=2):
    made = Board()
    made.fits(dict.fromkeys(models, len(folds)), folds)
    made.workers(slots)
    return made


# --- counting


def test_every_fit_is_in_one_state():
    b = board(folds=[7, 8, 9, 10])
    b.fitted(done("a", 7, cached=True))
    b.began([task("a", 8)])
    b.began([task("a", 9)])
    b.fitted(done("a", 8))
    b.began([task("b", 10)])
    b.fitted(done("b", 10, error="boom"))
    assert list(b.states["a"]) == [CACHED, DONE, RUNNING, WAITING]
    assert list(b.states["b"]) == [WAITING, WAITING, WAITING, FAILED]
    assert (b.done, b.total, b.busy) == (3, 8, 1)
    assert [b.count(s) for s in (CACHED, DONE, WAITING, RUNNING, FAILED)] == [1, 1, 4, 1, 1]


def test_of_a_batch_one_fit_runs_at_a_time():
    b = board()
    b.began([task("a", fold) for fold in range(4)])
    assert (b.busy, list(b.states["a"])) == (1, [RUNNING, WAITING, WAITING, WAITING])
    b.fitted(done("a", 0))
    assert (b.busy, list(b.states["a"])) == (1, [DONE, RUNNING, WAITING, WAITING])
    for fold in (2, 1, 3):  # in any order
        b.fitted(done("a", fold))
    assert (b.busy, b.done) == (0, 4)


def test_fits_that_were_lost_with_their_process_are_handed_out_again():
    b = board()
    b.began([task("a", 0), task("a", 1), task("a", 2)])
    b.fitted(done("a", 0, error="its process died"))
    b.began([task("a", 1)])
    b.began([task("a", 2)])
    assert (b.busy, list(b.states["a"])) == (2, [FAILED, RUNNING, RUNNING, WAITING])
    b.fitted(done("a", 2))
    b.fitted(done("a", 1))
    assert (b.busy, b.done, b.count(FAILED)) == (0, 3, 1)


def test_the_next_part_of_a_run_is_counted_afresh():
    b = board()
    b.began([task("a", 0)])
    b.fits({"c": 1}, [99])
    assert (b.busy, b.done, b.total) == (0, 0, 1)
    b.fitted(done("c", 99))
    assert b.done == 1


def test_ten_thousand_fits_are_counted_and_drawn_quickly():
    b = board(models=[f"m{i}" for i in range(5)], folds=range(2000))
    began = time.process_time()
    for i in range(5):
        for fold in range(2000):
            b.began([task(f"m{i}", fold)])
            b.fitted(done(f"m{i}", fold))
    for _ in range(20):
        displays.draw(b, "fits", 10**9, 80, 24, True)
    assert b.done == 10_000
    assert time.process_time() - began < 5.0  # 0.5 ms each, and it takes a tenth of that


# --- the time that is left


def test_eta_is_unknown_before_anything_was_computed(now):
    b = board()
    assert b.eta is None
    b.fitted(done("a", 0, cached=True))
    now.seconds += 5
    assert b.eta is None


def test_eta_follows_the_fits_that_were_computed_and_counts_what_runs_side_by_side(now):
    b = board(models=["a"], folds=range(10))
    for fold in range(4):
        b.fitted(done("a", fold, cached=True))
    now.seconds += 100.0  # what came before the first fit was handed out tells nothing
    b.began([task("a", 4)])
    b.began([task("a", 5)])
    now.seconds += 10.0
    b.fitted(done("a", 4, seconds=10.0))
    # Five are left, one of them for the most part done: 40 s of work, two at a time.
    assert b.eta == pytest.approx(20.0)
    for fold in range(5, 10):
        b.fitted(done("a", fold, seconds=10.0))
    assert b.eta == 0.0


def test_eta_knows_slow_models_from_quick_ones(now):
    b = board(models=["quick", "slow"], folds=range(4), slots=1)
    for fold in range(4):
        b.began([task("quick", fold)])
        now.seconds += 1.0
        b.fitted(done("quick", fold, seconds=1.0))
    b.began([task("slow", 0)])
    now.seconds += 96.0
    b.fitted(done("slow", 0, seconds=96.0))
    assert b.eta == pytest.approx(3 * 96.0)


# --- the grid


def text(b, width=80, height=40, wide=True, stage="fits"):
    return displays.draw(b, stage, 1_500_000_000, width, height, wide).plain.split("\n")


def test_the_grid_tells_states_by_character_and_by_colour():
    b = board(folds=range(5))
    b.fitted(done("a", 0, cached=True))
    b.fitted(done("a", 1))
    b.fitted(done("a", 2, error="boom"))
    b.began([task("a", 3)])
    stage, a, other, states, foot = text(b)
    assert (stage, a, other) == ("fits", "a ▒█✗▸· 3/5", "b ····· 0/5")
    assert states == "█ 1 done  ▒ 1 cached  ▸ 1 running  ✗ 1 failed  · 6 waiting"
    assert foot.startswith("workers 1/2  memory 1.50 GB  elapsed 0 s  ETA ")
    drawn = displays.draw(b, "fits", 0, 80, 40, True)
    assert {span.style for span in drawn.spans} >= {"green", "cyan", "bold red", "bold yellow", "bright_black"}


def test_the_grid_needs_no_more_than_ascii():
    b = board(models=["a" * 50], folds=range(5))
    b.fitted(done("a" * 50, 0, cached=True))
    b.fitted(done("a" * 50, 1))
    b.fitted(done("a" * 50, 2, error="boom"))
    b.began([task("a" * 50, 3)])
    lines = text(b, wide=False)
    assert lines[1] == "a" * 25 + "~ =#X>. 3/5"
    assert all(line.isascii() for line in lines)


@pytest.mark.parametrize("width", [40, 60, 80, 124])
@pytest.mark.parametrize("folds", [1, 40, 2000])
@pytest.mark.parametrize("models", [1, 12, 40])
def test_the_grid_fits_any_terminal(width, folds, models):
    b = board(models=[f"a-model-with-a-long-name-{i}" for i in range(models)], folds=range(folds), slots=16)
    for fold in range(folds):
        b.fitted(done("a-model-with-a-long-name-0", fold, cached=fold % 2 == 0, error="x" if fold % 7 == 0 else ""))
    lines = text(b, width=width, height=24)
    assert max(map(len, lines)) <= width
    assert len(lines) <= 12 + 7
    rows = [line for line in lines if line.startswith("a-")]
    assert len(rows) == min(models, 12)
    if folds == 2000:
        assert len(rows[0]) >= width - 1  # all the room is used
    if models > 12:
        [more] = [line for line in lines if line.startswith("and ")]
        assert more == f"and 28 more 0/{28 * folds}" or more == f"and 28 more {folds}/{28 * folds}"


def test_a_cell_for_several_folds_shows_the_one_to_look_at():
    b = board(models=["m"], folds=range(400))
    for fold in range(400):
        if fold not in (150, 399):
            b.fitted(done("m", fold, error="boom" if fold == 50 else ""))
    b.began([task("m", 150)])
    row = text(b, width=40)[1].split()[1]
    assert len(row) < 40
    assert re.fullmatch("█+✗█+▸█+·", row)


def test_a_low_terminal_shows_the_models_at_work():
    b = board(models=[f"m{i}" for i in range(30)], folds=range(2))
    for i in range(20):
        b.fitted(done(f"m{i}", 0))
        b.fitted(done(f"m{i}", 1))
    b.began([task("m25", 0)])
    lines = text(b, height=9)
    assert [line.split()[0] for line in lines[1:4]] == ["m20", "m21", "m25"]
    assert lines[4] == "and 27 more 40/54"


def test_before_the_fits_there_is_one_line():
    [line] = text(Board(), stage="features")
    assert line == "features  memory 1.50 GB  elapsed 0 s"


@pytest.mark.parametrize("seconds, told", [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (3725, "1 h 02 min")])
def test_durations_are_read_at_a_glance(seconds, told):
    assert console.duration(seconds) == told


@pytest.mark.parametrize(
    "seconds, told",
    [(0, "0.0 s"), (0.0081, "8.1 ms"), (42, "42.0 s"), (252, "4.2 min"), (7200, "2.0 h"), (7.2e6, "2,000.0 h")],
)
def test_a_table_has_durations_in_one_unit(seconds, told):
    assert console.span(seconds) == told


# --- plain lines


def test_plain_lines_tell_what_was_cached_and_what_failed(now, capsys):
    p = displays.PlainProgress()
    now.seconds += 5.0  # what came before the fits
    p.fits({"a": 20, "b": 20}, range(20))
    for model in "ab":
        for fold in range(20):
            p.fitted(done(model, fold, cached=fold < 10, error="boom" if fold == 19 else ""))
    p.note("no GPU")
    out, err = capsys.readouterr()
    assert out == ""
    # One line, and not ten in the same instant.
    assert [line.split("] ")[1] for line in err.splitlines()] == [
        "fits 40/40 (20 cached, 2 failed): a 20/20, b 20/20; elapsed 5 s",
        "no GPU",
    ]


def test_plain_lines_come_with_each_tenth_where_fits_take_time(now, capsys):
    p = displays.PlainProgress()
    p.fits({f"m{i}": 5 for i in range(20)}, range(5))
    for i in range(20):
        for fold in range(5):
            now.seconds += 1.0
            p.fitted(done(f"m{i}", fold))
    lines = capsys.readouterr().err.splitlines()
    assert [re.search(r"fits (\d+)/100", line)[1] for line in lines] == [str(n) for n in range(10, 101, 10)]
    assert "m11 0/5, and 8 more; elapsed 10 s, ETA " in lines[0]


# --- several listeners, stages


def test_several_listeners_hear_all_that_one_would():
    heard = []

    class Told(Progress):
        def __getattribute__(self, name):
            return None if name == "since" else lambda *args, **kwargs: heard.append((name, args, kwargs))

    several = Several(Told(), Told())
    public = [name for name, what in vars(Progress).items() if callable(what) and not name.startswith("_")]
    for name in public:
        parameters = list(inspect.signature(getattr(Progress, name)).parameters)[1:]
        getattr(Progress(), name)(*parameters)
        getattr(several, name)(*parameters)
        assert heard[-2:] == [(name, tuple(parameters), {})] * 2
    assert len(heard) == 2 * len(public)


def test_stages_add_up_to_the_whole_from_the_start_of_the_process():
    heard = []

    class Told(Progress):
        def stage(self, name):
            heard.append(name)

        def staged(self, name, began, seconds):
            heard.append((name, began, seconds))

    since = time.time() - 2.0
    told = Told()
    told.since = since
    clock = Clock(Several(Progress(), told))
    for name in ("data", "fits", "data"):
        with clock.stage(name):
            time.sleep(0.02)
    least = time.time() - since
    told = clock.telemetry()
    assert list(told["stages"]) == ["start", "data", "fits", "other"]
    assert sum(told["stages"].values()) == pytest.approx(told["seconds"], abs=0.002)
    assert least - 0.01 <= told["seconds"] <= time.time() - since + 0.01
    assert told["stages"]["other"] < told["seconds"] - 2.0  # the seconds of the start are not among them
    assert [i["stage"] for i in told["intervals"]] == ["start", "data", "fits", "data"]
    assert [i["began"] for i in told["intervals"]] == sorted(i["began"] for i in told["intervals"])
    assert told["intervals"][0]["began"] == pytest.approx(since, abs=0.001)
    assert heard[0][:2] == ("start", since)
    assert heard[1] == "data"
    assert heard[2][0] == "data"


def test_a_run_in_a_notebook_counts_from_its_own_beginning():
    before = time.time()
    clock = Clock(Progress())
    assert clock.telemetry()["seconds"] <= time.time() - before + 0.01
    assert "start" not in clock.stages


def test_a_stage_that_raises_is_over_too():
    clock = Clock(Progress())
    with pytest.raises(ValueError, match="no"), clock.stage("data"):
        raise ValueError("no")
    assert list(clock.stages) == ["data"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_process_knows_when_it_started():
    before = time.time()
    code = "import time; time.sleep(0.5); from quorate.execution.resources import process_start; print(process_start())"
    start = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert before - 0.1 < start < before + (time.time() - before - 0.4)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_is_that_of_all_processes_below_this_one():
    before = resources.used_memory()
    code = "import os; x = b'x' * 2**27; os.write(1, b'!'); os.read(0, 1)"
    middle = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    with subprocess.Popen([sys.executable, "-c", middle], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert os.read(child.stdout.fileno(), 1) == b"!"
        more = resources.used_memory() - before
        child.communicate(b"\n")
    assert 2**27 < more < 2**28


def test_the_live_view_looks_at_the_memory_at_most_once_a_second(monkeypatch):
    looks = []
    monkeypatch.setattr(displays, "used_memory", lambda: looks.append(1) or 2_000_000_000)
    target = console.Console(file=io.StringIO(), force_terminal=True, width=70, color_system=None)
    monkeypatch.setattr(displays, "err", lambda: target)
    live = displays.LiveProgress()
    try:
        began = time.monotonic()
        for _ in range(50):
            drawn = live._draw()
        assert len(looks) <= 2 + (time.monotonic() - began)
        assert "memory 2.00 GB" in drawn.plain
    finally:
        live.close()
