"""Kill -9 in the middle of an import: what was kept is whole, and the same command goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import quorate
from quorate_data.simulated import simulated
from support.waiting import wait_until

pytestmark = pytest.mark.full

CHILD = """
import sys
import quorate
from quorate.runs import imports

imports.BATCH = imports.FEWEST = 2
if __name__ == "__main__":
    collection = quorate.BarStore(sys.argv[1]).collection("us", new=True)
    quorate.import_bars(collection, "csv", [f"path={sys.argv[2]}"], workers=2)
"""
FILES = 30


def in_session(leader: int) -> list[int]:
    """Return the processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state != "Z":
                found.append(int(stat.parent.name))
    return found


def killed(command: list[str], documents: Path, seen: int, seconds: float) -> None:
    """Import in a process that is killed so many seconds after it kept more than was seen."""
    process = subprocess.Popen(command, start_new_session=True)
    wait_until(lambda: process.poll() is not None or len(list(documents.glob("*.json"))) > seen, every=0.005)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_until(lambda: not in_session(process.pid))  # whoever read for it has ended, too


def test_an_import_that_is_killed_at_any_moment_leaves_nothing_half_and_goes_on(tmp_path: Path) -> None:
    bars = simulated(n_bars=400, n_symbols=FILES)
    (tmp_path / "bars").mkdir()
    for symbol, frame in bars.to_frame().groupby("symbol"):
        frame.drop(columns="symbol").to_csv(tmp_path / "bars" / f"{symbol}.csv", index=False)
    (tmp_path / "child.py").write_text(CHILD)
    command = [sys.executable, str(tmp_path / "child.py"), str(tmp_path / "store"), str(tmp_path / "bars")]
    draw, seen = random.Random(0), 0
    for _ in range(4):
        killed(command, tmp_path / "store" / "us" / "imports", seen, draw.uniform(0, 0.3))
        collection = quorate.BarStore(tmp_path / "store").collection("us")
        assert collection.verify() == []
        kept = collection.read()
        assert kept.fingerprint == bars.select(kept.symbols).fingerprint
        seen = len(collection.imports())
    subprocess.run(command, check=True)
    collection = quorate.BarStore(tmp_path / "store").collection("us")
    assert collection.read().fingerprint == bars.fingerprint
    files = [fact["path"] for one in collection.imports() for fact in one.files]
    assert len(files) == len(set(files)) == FILES  # none was read twice
