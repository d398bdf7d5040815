"""Commands that run beside the window: they go on when it is closed, and are found again by the next one."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quorate.errors import StoreError
from quorate.execution.machine import start_time
from quorate.store import Home
from quorate.store.files import io_reason, write_json

KEPT = 50  # jobs whose output is kept
TAIL = 200_000  # bytes of an output that are shown
# A shell that outlives the window notes how the command ended, also when that is interrupted. $0 is where.
NOTING = 'trap : INT; "$@"; ended=$?; echo $ended > "$0.tmp" && mv "$0.tmp" "$0"'
INTERRUPTED = 130
# `promote` and `gate` end so after they have done their work.
JUDGED = {10: "FAIL", 11: "INSUFFICIENT", 12: "integrity"}


@dataclass(frozen=True)
class Job:
    """A command that was begun here.

    Parameters
    ----------
    folder : Path
        Where it notes what it is, what it prints, and how it ended.
    words : tuple of str
        What follows ``quorate`` on the command line.
    began : str
        When, in UTC.
    pid, ticks : int, str
        Its process, and when that began: another process may have the number later.
    """

    folder: Path
    words: tuple[str, ...]
    began: str
    pid: int
    ticks: str

    @property
    def id(self) -> str:
        """Its name."""
        return self.folder.name

    @property
    def command(self) -> str:
        """The command as it is typed."""
        return typed(self.words)

    @property
    def code(self) -> int | None:
        """How it ended; None, if it is going on, or was stopped."""
        try:
            return int((self.folder / "ended").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed``, ``stopped``, or the verdict with which it ended."""
        code = self.code
        if code is None:
            # It may have ended between the two looks.
            alive = self.ticks != "" and start_time(self.pid) == self.ticks
            code = None if alive else self.code
            if code is None:
                return "running" if alive else "stopped"
        if code == INTERRUPTED:
            return "stopped"
        if self.words[0] in ("promote", "gate"):
            return {0: "PASS", **JUDGED}.get(code, "failed")
        return "done" if code == 0 else "failed"

    @property
    def output(self) -> str:
        """What it has printed so far; of very much the end."""
        try:
            with open(self.folder / "output.txt", "rb") as file:
                file.seek(max(os.fstat(file.fileno()).st_size - TAIL, 0))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.state == "running":
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGINT)


class Jobs:
    """The commands that were begun from windows on a home, newest first."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.folder = home.path / "jobs"
        self._of_here: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, words: Sequence[str], surroundings: Mapping[str, str] | None = None) -> Job:
        """Begin a command.

        Raises
        ------
        StoreError
            If nothing can be written into the home.
        """
        now = dt.datetime.now(dt.UTC)
        folder = self.folder / f"{now:%Y%m%dT%H%M%S.%f}-{words[0]}-{secrets.token_hex(2)}"
        command = [sys.executable, "-m", "quorate", *words]
        try:
            self.home.claim()
            folder.mkdir(parents=True)
            with open(folder / "output.txt", "wb") as output:
                process = subprocess.Popen(
                    ["/bin/sh", "-c", NOTING, str(folder / "ended"), *command],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, "COLUMNS": "100", "PYTHONUNBUFFERED": "1", **(surroundings or {})},
                )
        except OSError as e:
            raise StoreError(io_reason(e, folder)) from e
        self._of_here[folder.name] = process
        job = Job(folder, tuple(words), now.isoformat(timespec="seconds"), process.pid, start_time(process.pid))
        write_json(folder / "job.json", {"words": job.words, "began": job.began, "pid": job.pid, "ticks": job.ticks})
        self._forget()
        return job

    def all(self) -> list[Job]:
        """Return the commands, newest first."""
        for name in [name for name, process in self._of_here.items() if process.poll() is not None]:
            del self._of_here[name]
        if not self.folder.is_dir() or self.folder.is_symlink():
            return []
        found = [_read(folder) for folder in sorted(self.folder.iterdir(), reverse=True) if not folder.is_symlink()]
        return [job for job in found if job is not None]

    def running(self) -> list[Job]:
        """Return those that are going on."""
        return [job for job in self.all() if job.state == "running"]

    def _forget(self) -> None:
        """Remove the oldest, if there are many."""
        for job in self.all()[KEPT:]:
            if job.state != "running":
                shutil.rmtree(job.folder, ignore_errors=True)


def typed(words: Sequence[str]) -> str:
    """Return a command as it is typed into a shell."""
    return shlex.join(["quorate", *words])


def _read(folder: Path) -> Job | None:
    try:
        found: dict[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        words = tuple(map(str, found["words"]))
        return Job(folder, words, str(found["began"]), int(found["pid"]), str(found["ticks"])) if words else None
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError):  # not one of ours
        return None
