"""What is done again and again in a home: which schedules are installed, what became of each, and who is at it now.

::

    HOME/schedules/KEY.json     an installed schedule: what it does, when, and when it is due next
    HOME/schedules/log.jsonl    what was done: a line each
    HOME/schedules/lock         held while something scheduled is done, by one process at a time; says by which
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from quorate.errors import IntegrityError, StoreError
from quorate.store.alerts import append_line, lines_of
from quorate.store.documents import read_document
from quorate.store.files import io_reason, write_json
from quorate.store.plain import check_plain
from quorate.store.sharing import user_and_host

FOLDER = "schedules"
LOG = "log.jsonl"


class Busy(StoreError):
    """Something scheduled is being done in this home already."""


def keep(home: Path, key: str, document: Mapping[str, Any]) -> None:
    """Note a schedule as installed, or what of it has changed."""
    write_json(_path(home, key), {"schema_version": 1, "key": key, **document})


def remove(home: Path, key: str) -> bool:
    """Note that a schedule is installed no more; say whether it was."""
    there = _path(home, key).exists()
    _path(home, key).unlink(missing_ok=True)
    return there


def find(home: Path, key: str) -> dict[str, Any] | None:
    """Return an installed schedule; None, if there is none of that key."""
    path = _path(home, key)
    check_plain(path)
    return read_document(path) if path.exists() else None


def every(home: Path) -> list[dict[str, Any]]:
    """Return what is installed, by key.

    Raises
    ------
    IntegrityError
        If a file of it is damaged.
    """
    keys = sorted(path.stem for path in (home / FOLDER).glob("*.json"))
    return [found for key in keys if (found := find(home, key)) is not None]


def log(home: Path, entry: Mapping[str, Any]) -> None:
    """Append what was done."""
    (home / FOLDER).mkdir(parents=True, exist_ok=True)
    append_line(home / FOLDER / LOG, entry)


def done(home: Path) -> list[dict[str, Any]]:
    """Return what was done, oldest first; lines that are none of ours are left out."""
    found = lines_of(home / FOLDER / LOG)
    return [one for one in found if {"key", "began", "ended", "exit"} <= one.keys()]


def missed(schedule: Mapping[str, Any], now: dt.datetime) -> bool:
    """Return whether a schedule is due: the time that it was to be done next is over."""
    try:
        return dt.datetime.fromisoformat(schedule["next"]) <= now
    except (KeyError, TypeError, ValueError) as e:
        raise IntegrityError(f"the schedule {schedule.get('key')!r} does not say when it is due next: {e!r}") from e


@contextmanager
def holding(home: Path, what: str) -> Iterator[None]:
    """Do something scheduled; nobody else does meanwhile in this home.

    Raises
    ------
    Busy
        If another process does; it is named.
    """
    path = home / FOLDER / "lock"
    check_plain(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as e:
        raise StoreError(io_reason(e, path)) from e
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"{_holder(file)}, and two at a time are not done: wait for it, or end it there") from None
        since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        told = {"pid": os.getpid(), "by": user_and_host(), "host": socket.gethostname(), "what": what, "since": since}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(told).encode(), 0)
        yield
        os.ftruncate(file, 0)
    finally:
        os.close(file)


def _holder(file: int) -> str:
    told: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        told = json.loads(os.pread(file, 1 << 16, 0))
    if not isinstance(told, dict) or not told:
        return "another process does what is scheduled in this home"
    return (
        f"{told.get('what')} is being done by process {told.get('pid')} of {told.get('by')}, since {told.get('since')}"
    )


def _path(home: Path, key: str) -> Path:
    return home / FOLDER / f"{key}.json"
