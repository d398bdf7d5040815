"""The forward record under kills, and shared by processes: nothing that was acknowledged is lost."""

from __future__ import annotations

import json
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from quorate.evidence.ledger.chain import read_chain
from quorate.evidence.ledger.forward import record_of
from quorate.serving.record import ForwardRecord
from quorate.store import Home


def entry(number: int = 0) -> dict[str, Any]:
    return {"kind": "forecast", "name": "trend", "version": 1, "bar": f"bar {number}"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


WORKER = """
import sys, threading
from quorate.serving.record import ForwardRecord
record, print_one = ForwardRecord(sys.argv[1]), threading.Lock()
def go(name):
    for k in range(10**6):
        sealed = record.commit({"kind": "forecast", "name": name, "version": 1, "bar": str(k)})
        with print_one:
            print(sealed["seq"], sealed["hash"], flush=True)
for k in range(8):
    threading.Thread(target=go, args=(f"thread-{k}",)).start()
"""


def _kill_under_load(home: Home, after: int) -> list[str]:
    """Have 8 threads record, kill the process after so many acknowledgements, and return what was acknowledged."""
    with subprocess.Popen([sys.executable, "-c", WORKER, str(home.path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline() for _ in range(after)]
        process.send_signal(signal.SIGKILL)
        acknowledged += process.stdout.readlines()
    return [line for line in acknowledged if line.endswith("\n")]


def _check(home: Home, acknowledged: list[str]) -> None:
    ForwardRecord(home, lambda message: None).commit(entry())
    entries, broken = read_chain(record_of(home).read())
    assert broken is None
    known = {one["seq"]: one["hash"] for one in entries}
    for line in acknowledged:
        seq, digest = line.split()
        assert known[int(seq)] == digest


def test_a_kill_loses_nothing_that_was_acknowledged(home: Home) -> None:
    _check(home, _kill_under_load(home, 40))


@pytest.mark.full
def test_ten_kills_lose_nothing_that_was_acknowledged(home: Home) -> None:
    every: list[str] = []
    for k in range(10):
        every += _kill_under_load(home, 20 + 37 * k)
        _check(home, every)


def _commit_some(path: Path, number: int) -> None:
    record = ForwardRecord(path)
    for k in range(10):
        record.commit(entry(100 * number + k))


def test_processes_share_one_chain(home: Home) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_commit_some, args=(home.path, number)) for number in range(3)]
    for one in processes:
        one.start()
    for one in processes:
        one.join()
    assert [one.exitcode for one in processes] == [0, 0, 0]
    entries = ForwardRecord(home).entries()
    assert [one["seq"] for one in entries] == list(range(1, 31))
    assert json.loads(ForwardRecord(home).path.read_bytes().splitlines()[-1])["seq"] == 30
