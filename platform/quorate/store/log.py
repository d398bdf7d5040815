"""The log of a run, as it is read: whole, or what was added since it was looked at last.

`quorate.runs.log` writes it, and says what is in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from quorate.errors import StoreError
from quorate.store.plain import check_plain

LOG = "log.jsonl"
CHUNK = 1 << 20  # bytes that are read at a time
KNOWN = 64  # bytes before what is new, by which a log is known again


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the events of a run, oldest first; lines that a kill cut short are left out.

    Raises
    ------
    StoreError
        If the run has no log.
    """
    path = folder / LOG
    check_plain(path)
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise StoreError(f"run {folder.name} has no log: {path} is missing; earlier versions wrote none") from None
    except OSError as e:
        raise StoreError(f"{path} cannot be read: {e.strerror or e}") from e
    return _events(lines)[0]


def _refuse(word: str) -> None:
    raise ValueError(word)


_STRICT = json.JSONDecoder(parse_constant=_refuse)  # NaN is none of what is written


def _events(lines: Iterable[bytes]) -> tuple[list[dict[str, Any]], int]:
    """Return the events of some lines, and how many lines are none."""
    events, bad = [], 0
    for line in lines:
        try:
            event = _STRICT.decode(line.decode())
        except (ValueError, RecursionError):
            bad += bool(line)
            continue
        if isinstance(event, dict) and "time" in event and "event" in event:
            events.append(event)
        else:
            bad += 1
    return events, bad


class Follower:
    """Reads a log as it grows: each byte once, and a line when it is whole.

    Parameters
    ----------
    folder : Path
        The run's.

    Attributes
    ----------
    unread : int
        How many lines were no events.
    logs : int
        How many logs it has met: one that was replaced, or became shorter, is another.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / LOG
        self.logs = 0
        self._begin()

    def _begin(self) -> None:
        self._offset, self._file, self._known, self._torn = 0, 0, b"", b""
        self.unread = 0

    def read(self) -> Iterator[list[dict[str, Any]]]:
        """Yield what is new, some events at a time; without a log nothing is.

        Of another log than before all is new; an empty list is then the first.

        Raises
        ------
        IntegrityError
            If it is a link or a pipe.
        OSError
            If it cannot be read.
        """
        check_plain(self.path)
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        try:
            if not self.logs or self._is_another(file):
                self._begin()
                self.logs += 1
                yield []
            self._file = os.fstat(file).st_ino
            yield from self._new(file)
        finally:
            os.close(file)

    def _is_another(self, file: int) -> bool:
        if not self._offset:
            return False
        found = os.fstat(file)
        before = os.pread(file, len(self._known), self._offset - len(self._known))
        return found.st_ino != self._file or before != self._known

    def _new(self, file: int) -> Iterator[list[dict[str, Any]]]:
        while chunk := os.pread(file, CHUNK, self._offset):
            self._offset += len(chunk)
            self._known = (self._known + chunk)[-KNOWN:]
            *lines, self._torn = (self._torn + chunk).split(b"\n")
            events, bad = _events(lines)
            self.unread += bad
            yield events
