"""The entries of the file of finished fits: the columns that are read of one, whether it is sound, what it holds."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import StoreError
from quorate.execution.course import Course
from quorate.execution.task import FitResult, FitTask

COLUMNS = "key, checksum, train_rows, notes, outputs, data, seconds, cpu_seconds, place, created"
COLUMNS += ", in_sample, peak_memory, course"
ROW = 300  # bytes of an entry beside its data, roughly
UNDECODED = "surrogateescape"  # what becomes of text that is none


def checksum_of(key: str, data: bytes, *facts: object) -> bytes:
    """Return the hash of all that an entry holds but how often it was asked for."""
    known = tuple(fact for fact in facts if fact is not None)  # entries of earlier versions have less
    return hashlib.sha256(repr((key, known)).encode() + b"\0" + data).digest()


def is_text(value: Any) -> bool:
    """Whether a column of text holds UTF-8, as all that was put does."""
    try:
        return bool(str(value).encode())
    except UnicodeEncodeError:
        return False


def is_sound(row: tuple[Any, ...]) -> bool:
    """Whether an entry is as it was put."""
    key, checksum, train_rows, notes, outputs, data, seconds, cpu_seconds, place, created, *later = row
    facts = (train_rows, seconds, cpu_seconds, place, created, notes, outputs, *later)
    return isinstance(data, bytes) and checksum_of(key, data, *facts) == checksum


def result_in(row: tuple[Any, ...], task: FitTask) -> FitResult:
    """Return the result that an entry holds, for the fit that asks for it."""
    key, _, train_rows, notes, outputs, data, seconds, cpu_seconds, place, created, in_sample, peak, course = row
    names = json.loads(outputs)
    values = np.frombuffer(data, dtype=np.float64).reshape(len(names) + 1, -1)
    return FitResult(
        task.model, task.fold, values[0], dict(zip(names, values[1:], strict=True)), key, train_rows, seconds,
        cpu_seconds, created - seconds, place, cached=True, in_sample=math.nan if in_sample is None else in_sample,
        notes=tuple(json.loads(notes)), course=None if course is None else Course.from_bytes(course),
        peak_memory=peak or 0,
    )  # fmt: skip


def damaged_in(path: Path) -> tuple[int, int]:
    """Return how many entries a file has, and how many are not as they were put; nothing is changed.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    total = broken = 0
    for row in _unchanged(path, COLUMNS):
        total, broken = total + 1, broken + (not (is_text(row[0]) and is_sound(row)))
    return total, broken


def unused_in(path: Path, older_than: float) -> int:
    """Return the bytes of entries that were not used for so many seconds; nothing is changed.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    before = time.time() - older_than
    rows = _unchanged(path, "used, length(data)")
    return sum(size for used, size in rows if isinstance(used, float) and isinstance(size, int) and used < before)


def listed_in(path: Path) -> list[tuple[str, int, float]]:
    """Return of each entry the key, the bytes that it takes, and when it was used last; nothing is changed.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    rows = _unchanged(path, "key, length(data), used")
    return [(key, size + ROW, used) for key, size, used in rows if is_text(key) and isinstance(used, float) and size]


def version_in(path: Path) -> int:
    """Return the version of a file's table; nothing is changed.

    Raises
    ------
    StoreError
        If the file cannot be read.
    """
    with _reading(path) as file:
        return int(file.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    # Without a log beside it nobody is writing: then SQLite need not make one to read it.
    log = Path(f"{path}-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?{how}", uri=True)) as file:
            file.text_factory = partial(str, encoding="utf-8", errors=UNDECODED)
            yield file
    except sqlite3.Error as e:
        raise StoreError(f"{path} cannot be read: {e}") from e


def _unchanged(path: Path, columns: str) -> Iterator[tuple[Any, ...]]:
    """Return these columns of all entries; those that an earlier version did not write are None."""
    if not path.exists():
        return
    with _reading(path) as file:
        known = {row[1] for row in file.execute("PRAGMA table_info(fits)")}
        asked = [name if name in known or "(" in name else "NULL" for name in columns.split(", ")]
        yield from file.execute(f"SELECT {', '.join(asked)} FROM fits")
