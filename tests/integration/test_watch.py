"""quorate watch: from another terminal, in a pipe, as JSON."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from itertools import pairwise

import pytest

import quorate
from quorate.cli import _watch
from quorate.store import Home, Run
from support.command import call, message_of
from support.logs import START, append, busy, run_event, trial_event
from support.terminal import Terminal

HERE = os.uname().nodename
LIMIT = 60  # seconds; what is waited for comes in one or two
END = {"time": START + 9, "event": "end", "state": "interrupted"}


@pytest.fixture
def place(tmp_path):
    return Home(tmp_path / "home")


def begun(place, name, *more, kind="run", host=HERE):
    run = Run(place, name, kind)
    append(run.path, run_event(host=host), *more)
    return run


# --- one picture


def test_what_goes_on_is_found_without_being_named(place):
    begun(place, "1-older", END)
    run, sweep = begun(place, "2-run"), begun(place, "3-sweep", trial_event(START, 4), kind="sweep")
    with run.driving():
        text = call("watch", "--once").stdout
        assert text.startswith("running  2-run\n")  # no terminal: one picture, alone
        assert "\x1b" not in text
        with sweep.driving():
            first, second, *_ = call("watch").stdout.splitlines()
            assert first == "running  run 2-run"
            assert second == "running  sweep 3-sweep"  # the newest
            known = json.loads(call("watch", "--json").stdout)
            assert (known["sweep"], known["state"], known["also"]) == ("3-sweep", "running", ["2-run"])
            assert known["trials"]["lightgbm"]["done"] == 5


def test_where_nothing_goes_on_the_last_is_named(place, finished):
    [run] = finished.runs()
    text = call("watch").stdout
    one_line = " ".join(text.split())
    assert one_line.startswith(f"nothing is going on in {finished.path}; the last was run {run.id}, finished ")
    assert "verdict  " in text
    assert f"next: quorate report {run.id}" in text
    shutil.rmtree(finished.path)
    assert "quorate run planted" in call("watch").stdout
    assert json.loads(call("watch", "--json").stdout)["state"] == "nothing"


def test_a_run_or_a_sweep_is_named_by_a_part_of_its_id(place, finished):
    [run] = finished.runs()
    begun(place, "other", END, kind="sweep")
    assert call("watch", run.id[-4:]).stdout.startswith(f"finished  {run.id}\n")
    assert call("watch", "oth").stdout.startswith("interrupted  sweep other\n")
    assert "next: quorate sweep resume other" in call("watch", "latest").stdout
    assert "did you mean 'other'" in message_of(call("watch", "othr"), 1)
    assert "fits 2 runs and sweeps" in message_of(call("watch", "t"), 1)


def test_a_promotion_is_watched_on_its_own_folds(finished):
    [run] = finished.runs()
    quorate.promote(run.id, home=finished.path)
    known = json.loads(call("watch", run.id, "--json").stdout)
    assert (known["command"], known["state"], known["attempts"]) == ("promote", "finished", 2)
    fits = known["fits"]
    assert fits["done"] == fits["total"] == fits["computed"] + fits["cached"] > 0


def test_what_cannot_be_watched_is_told(place):
    run = begun(place, "x")
    (run.path / "report.json").symlink_to("/etc/hostname")
    assert "remove it" in message_of(call("watch", "x"), 1)
    assert call("watch", "x", "--interval", "nan").exit_code == 2


def test_waiting_ends_when_something_begins(place, monkeypatch):
    asked = []

    def later(seconds):
        asked.append(seconds)
        if len(asked) == 3:
            begun(place, "new", host="elsewhere")

    monkeypatch.setattr(_watch.time, "sleep", later)
    [watched] = _watch._chosen(place, None, 0.5)
    assert (watched.run.id, asked) == ("new", [0.5] * 3)


def test_a_run_that_goes_on_says_how_to_watch_it(place):
    run = begun(place, "x")
    with run.driving():
        assert "quorate watch x shows how far it is" in message_of(call("report", "latest"), 1)


# --- on a terminal


class Watching:
    """`quorate watch` on a terminal of its own."""

    def __init__(self, place, *options, columns=80, lines=24):
        self.leader, follower = pty.openpty()
        self.size(columns, lines)
        self.terminal, self.written, self._rest = Terminal(columns, lines), "", b""
        surroundings = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quorate", "watch", *options, "--home", str(place.path)],
            stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
            env={**surroundings, "TERM": "xterm-256color", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        os.close(follower)
        self._late = threading.Timer(LIMIT, self.process.kill)
        self._late.start()

    def size(self, columns, lines):
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, text):
        """Read until the screen shows a text, or anything was written, if that is None and the program is over."""
        while text is None or not any(text in line for line in self.terminal.text):
            try:
                part = os.read(self.leader, 1 << 16)
            except OSError:  # it is over
                part = b""
            if not part:
                assert text is None, self.terminal.text
                return
            # What is cut within a letter or a sequence waits for its end.
            self.written += part.decode(errors="ignore")
            if "\x1b[?1049l" in self.written:
                continue
            self._rest += part
            whole, done, self._rest = self._rest.rpartition(b"\x1b[?2026l")
            self.terminal.feed((whole + done).decode())

    def over(self):
        self.until(None)
        code = self.process.wait()
        self._late.cancel()
        os.close(self.leader)
        return code, self.written.rpartition("\x1b[?1049l")[2]


def test_a_run_is_followed_to_its_end(place):
    events = list(busy(8, 3, 12))
    run = begun(place, "r", *events[1:40])
    with run.driving():
        watching = Watching(place)
        watching.until("model-0")
        watching.until("elapsed")
        append(run.path, *events[40:60])
        watching.until(f"{sum(event['event'] == 'fit' for event in events[:60])} computed")
        watching.terminal.resize(60, 12)
        watching.size(60, 12)
        append(run.path, *events[60:-1])
        watching.until("12/12")
        assert len(watching.terminal.text) == 12
        append(run.path, events[-1])
        code, last = watching.over()
    assert code == 0
    assert "finished" in last
    assert "next: quorate report r" in last
    assert not {"2J", "3J", "2K"} & set(watching.terminal.controls)


def test_ctrl_c_leaves_the_watch_and_gives_the_terminal_back(place):
    run = begun(place, "r")
    with run.driving():
        watching = Watching(place, "r")
        watching.until("running")
        before = termios.tcgetattr(watching.leader)[3]
        assert not before & termios.ECHO
        os.killpg(watching.process.pid, signal.SIGINT)
        code, last = watching.over()
    assert code == 130
    assert "the run itself was left alone: quorate watch r" in last
    assert "\x1b[?25h" in watching.written


def test_frames_are_as_seldom_as_asked_for_however_much_happens(place, monkeypatch):
    """A clock that goes when it is told to: between two pictures there is what was asked for."""
    events = list(busy(64, 4, 100))
    run = begun(place, "r", *events[1:100])
    now, pictures, left = [0.0], [], events[100:]
    monkeypatch.setattr(_watch.time, "monotonic", lambda: now[0])

    def pause(seconds):
        now[0] += seconds
        append(run.path, *left[:7])
        del left[:7]

    monkeypatch.setattr(_watch.time, "sleep", pause)
    from quorate.report import console, screen

    monkeypatch.setattr(screen.Screen, "show", lambda self, picture: pictures.append(now[0]))
    target = console.Console(file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    with run.driving():
        _watch._follow(_watch._chosen(place, "r", 0.0), target, 1.0)
    assert len(pictures) > 10
    assert min(b - a for a, b in pairwise(pictures)) == pytest.approx(1.0)
