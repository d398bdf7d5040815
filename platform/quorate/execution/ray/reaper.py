"""Ends a Ray of our own whose owner is gone, however it went; also a program of its own, which waits for that.

It imports nothing of this package, so that it starts at once and stays small.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

LOCK = "lock"  # in the folder, kept locked by its owner


def watch(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that ends Ray's processes and removes their folder, once this one has ended."""
    return subprocess.Popen(
        # It hears of the end by its input, which nobody else holds, and no Ctrl-C.
        [sys.executable, "-I", "-S", __file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def reap(folder: Path) -> None:
    """Kill those that use a folder, and remove it."""
    kill_users(folder)
    shutil.rmtree(folder, ignore_errors=True)


def kill_users(folder: Path, seconds: float = 1.0) -> None:
    """Kill the other processes that have a file in this folder open: Ray's, by their logs."""
    until = time.monotonic() + seconds
    while (found := users(folder)) and time.monotonic() < until:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def users(folder: Path) -> list[int]:
    """Return the other processes that have a file in this folder open; none where that cannot be told."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(process.name) != os.getpid() and any(
                # Whoever looks whether the folder is abandoned opens its lock for a moment.
                file.startswith(f"{folder}/") and file != f"{folder}/{LOCK}"
                for file in map(os.readlink, (process / "fd").iterdir())
            ):
                found.append(int(process.name))
    return found


if __name__ == "__main__":
    sys.stdin.buffer.read()
    reap(Path(sys.argv[1]))
