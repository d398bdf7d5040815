"""Following a log as it grows."""

from __future__ import annotations

import json
import os

import pytest

from quorate import IntegrityError
from quorate.store.log import LOG, Follower, read_log
from support.logs import append, fit_event


def names(events):
    return [event["name"] for event in events]


def new(follower):
    """Return the events that are new, and whether it is another log than before."""
    logs = follower.logs
    events = [event for part in follower.read() for event in part]
    return events, 0 < logs < follower.logs


def line(name):
    return json.dumps({"time": 1, "event": "note", "name": name}).encode() + b"\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / LOG


def add(path, content):
    with open(path, "ab") as file:
        file.write(content)


def test_each_event_is_read_once_and_a_torn_line_waits_for_its_end(tmp_path, path):
    follower = Follower(tmp_path)
    assert new(follower) == ([], False)  # there is no log yet
    whole = line("one") + line("two \N{SNOWMAN}") + line("three")
    for i in range(0, len(whole), 7):
        before = whole[:i].count(b"\n")
        add(path, whole[i : i + 7])
        found, anew = new(follower)
        assert len(found) == whole[: i + 7].count(b"\n") - before
        assert not anew
    assert new(follower) == ([], False)
    assert follower.unread == 0


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    append(tmp_path, *(fit_event(i) for i in range(5000)))
    follower = Follower(tmp_path)
    assert len(new(follower)[0]) == 5000
    took, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda *asked: took.append(len(part := pread(*asked))) or part)
    append(tmp_path, fit_event(1))
    assert len(new(follower)[0]) == 1
    assert sum(took) < 500


def test_another_log_or_a_shorter_one_is_read_from_its_beginning(tmp_path, path):
    follower = Follower(tmp_path)
    add(path, line("a") + line("b"))
    new(follower)
    path.write_bytes(line("c"))
    assert (names((found := new(follower))[0]), found[1]) == (["c"], True)
    path.write_bytes(line("d") + line("e") + line("f"))  # longer, in the same file
    assert (names((found := new(follower))[0]), found[1]) == (["d", "e", "f"], True)
    other = path.with_name("other")
    other.write_bytes(line("d") + line("e") + line("f") + line("g"))
    other.replace(path)
    assert (names((found := new(follower))[0]), found[1]) == (["d", "e", "f", "g"], True)
    path.unlink()
    assert new(follower) == ([], False)


def test_what_is_no_event_is_counted(tmp_path, path):
    follower = Follower(tmp_path)
    add(path, b'\x00\xff\n\n[1]\n{"time": NaN, "event": "note"}\n' + b"[" * 100_000 + b"\n" + line("good"))
    assert names(new(follower)[0]) == ["good"]
    assert follower.unread == 4
    assert names(read_log(tmp_path)) == ["good"]


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/etc/hostname")])
def test_a_link_or_a_pipe_is_no_log(tmp_path, path, make):
    make(path)
    with pytest.raises(IntegrityError, match="remove it"):
        new(Follower(tmp_path))
