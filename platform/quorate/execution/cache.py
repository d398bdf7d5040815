"""Finished fits by key, so that none is computed twice: resumed runs, other runs and sweeps find them.

One SQLite file in WAL mode: many processes may read and write it at once; a fit is there as soon as it
was put, whatever then becomes of this process, and on the disk itself within a second.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import StoreError
from quorate.execution.cached import COLUMNS, UNDECODED, checksum_of, is_sound, is_text, result_in
from quorate.execution.task import FitResult, FitTask
from quorate.store.files import io_reason, sync

VERSION = 3  # the second has what a fit told of its training rows, the third how it was trained
ADDED = ("in_sample REAL", "peak_memory INTEGER", "course BLOB")  # the first by the second version, the others since
SYNC_SECONDS = 0.5
PATIENCE = 20.0  # seconds to wait for other processes
LEAST_BYTES = 200  # that an entry takes
_SCHEMA = """
CREATE TABLE IF NOT EXISTS fits (
    key TEXT PRIMARY KEY, checksum BLOB NOT NULL, created REAL NOT NULL, used REAL NOT NULL,
    plugin TEXT NOT NULL, model TEXT NOT NULL, train_rows INTEGER NOT NULL, seconds REAL NOT NULL,
    cpu_seconds REAL NOT NULL, place TEXT NOT NULL, notes TEXT NOT NULL, outputs TEXT NOT NULL, data BLOB NOT NULL,
    in_sample REAL, peak_memory INTEGER, course BLOB)"""
# A column of SQLite takes anything: rows that hold something else are damaged.
_TYPED = " AND ".join(
    [
        *(f"typeof({name}) IN ('real', 'integer') AND abs({name}) < 1e15" for name in ("seconds", "created", "used")),
        *(f"typeof({name}) = 'text'" for name in ("key", "plugin", "model")),
        "typeof(train_rows) = 'integer'",
    ]
)


@dataclass(frozen=True)
class Entry:
    """One finished fit in the cache.

    Parameters
    ----------
    key : str
        What it was computed from.
    plugin, model : str
        The plugin's name, and what the recipe called it.
    train_rows, bytes : int
        Rows it was trained on; what it takes on disk.
    seconds : float
        Wall time it took, and thus saves.
    created, used : float
        Seconds since 1970: when it was computed, and last taken.
    """

    key: str
    plugin: str
    model: str
    train_rows: int
    bytes: int
    seconds: float
    created: float
    used: float


class FitCache:
    """The finished fits of a home.

    Parameters
    ----------
    folder : Path
        Where the file is, or will be once something is put.
    warn : callable
        Hears of entries that were found broken.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None] = print) -> None:
        self.path = folder / "fits.sqlite"
        self._warn = warn
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._timer: threading.Timer | None = None

    def find(self, tasks: Sequence[FitTask]) -> dict[str, FitResult]:
        """Return the finished fits among these, by key; a broken entry is told, removed, and as if never there."""
        wanted = {task.key: task for task in tasks}
        found: dict[str, FitResult] = {}
        broken: list[str] = []
        for row in self._rows(list(wanted)):
            if is_sound(row):
                found[row[0]] = result_in(row, wanted[row[0]])
            else:
                broken.append(row[0])
        if broken:
            self._warn(
                f"{len(broken)} of the fits kept in {self.path} {'is' if len(broken) == 1 else 'are'} damaged (another "
                "checksum): computed again"
            )
            self._remove(broken)
        now = time.time()
        self._on(list(found), "note which fits were used", f"UPDATE fits SET used = {now!r} WHERE key IN")
        return found

    def known(self, tasks: Sequence[FitTask]) -> set[str]:
        """Return the keys of those of these fits that are kept, unread."""
        wanted = [task.key for task in tasks]
        return {row[0] for row in self._on(wanted, "look for finished fits", "SELECT key FROM fits WHERE key IN")}

    def put(self, result: FitResult, plugin: str) -> None:
        """Keep a finished fit.

        Raises
        ------
        StoreError
            If it cannot be written; those kept before still are.
        """
        arrays = [result.predictions, *result.outputs.values()]
        blob = np.ascontiguousarray(np.stack(arrays), dtype=np.float64).tobytes()
        told = json.dumps(list(result.notes)), json.dumps(list(result.outputs))
        now = time.time()
        more = None if math.isnan(result.in_sample) else result.in_sample
        course = None if result.course is None else result.course.to_bytes()
        later = more, result.peak_memory or None, course
        facts = (result.n_train, result.seconds, result.cpu_seconds, result.place, now, *told, *later)
        row = (
            result.key, checksum_of(result.key, blob, *facts), now, now, plugin, result.model,
            result.n_train, result.seconds, result.cpu_seconds, result.place, *told, blob, *later,
        )  # fmt: skip
        insert = f"INSERT OR REPLACE INTO fits VALUES ({', '.join('?' * len(row))})"
        self._do("keep a finished fit", insert, row, create=True)
        with self._lock:
            if self._timer is None:
                self._timer = threading.Timer(SYNC_SECONDS, self._sync_now)
                self._timer.daemon = True
                self._timer.start()

    def rates(self) -> dict[str, float]:
        """Return the seconds per training row that fits took, by name of the model plugin."""
        query = f"SELECT plugin, SUM(seconds) / SUM(train_rows) FROM fits WHERE {_TYPED} GROUP BY plugin"
        return {plugin: rate for plugin, rate in self._do("read how long fits took", query) if rate}

    def entries(self) -> list[Entry]:
        """Return what is kept, the latest used first."""
        query = (
            "SELECT key, plugin, model, train_rows, length(data) + length(notes) + coalesce(length(course), 0) + 300, "
            f"seconds, created, used FROM fits WHERE {_TYPED} ORDER BY used DESC, key"
        )
        rows = self._do("list the finished fits", query)
        return [Entry(*row) for row in rows if all(map(is_text, row[:3]))]

    def verify(self) -> tuple[int, list[str]]:
        """Check every entry; return how many there are, and the keys of broken ones, which are removed."""
        keys = [row[0] for row in self._do("list the finished fits", "SELECT key FROM fits")]
        read = self._rows([key for key in keys if is_text(key)])
        sound = {row[0] for row in read if is_sound(row)} & {entry.key for entry in self.entries()}
        broken = [key for key in keys if key not in sound]
        self._remove(broken)
        return len(keys), broken

    def prune(self, older_than: float | None = None, max_size: int | None = None) -> list[Entry]:
        """Remove what was not used for `older_than` seconds, then what was longest unused, down to `max_size` bytes.

        Returns
        -------
        list of Entry
            What was removed.
        """
        removed: list[Entry] = []
        kept, now = 0, time.time()
        for entry in self.entries():
            old = older_than is not None and now - entry.used > older_than
            if old or (max_size is not None and kept + entry.bytes > max_size):
                removed.append(entry)
            else:
                kept += entry.bytes
        self.remove([entry.key for entry in removed])
        return removed

    def remove(self, keys: Sequence[str]) -> None:
        """Remove these fits, and give back the room that they took."""
        self._remove(keys)
        if keys:
            self._do("shrink the file of finished fits", "VACUUM")
            self._do("shrink it", "PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.path.parent.glob(f"{self.path.name}*"))

    def sync(self) -> None:
        """Have all that was put on the disk itself; returns when it is."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        for path in (Path(f"{self.path}-wal"), self.path.parent):
            with suppress(FileNotFoundError):  # then all is in the main file, which SQLite has synced
                sync(path)

    def flush(self) -> None:
        """Sync, or raise `StoreError`, if the disk does not take it."""
        try:
            self.sync()
        except OSError as e:
            raise StoreError(io_reason(e, self.path)) from e

    def _sync_now(self) -> None:
        with suppress(OSError):  # told when the file is closed, where somebody hears it
            self.sync()

    def close(self) -> None:
        """Sync and let go of the file."""
        if self._connection is not None:
            try:
                self.flush()
            finally:
                self._connection.close()
                self._connection = None

    def _rows(self, keys: Sequence[str]) -> list[tuple[Any, ...]]:
        return self._on(keys, "read the finished fits", f"SELECT {COLUMNS} FROM fits WHERE key IN")

    def _remove(self, keys: Sequence[str]) -> None:
        every = [key.encode(errors=UNDECODED) for key in keys]  # a damaged one may be no text
        self._on(every, "remove finished fits", "DELETE FROM fits WHERE CAST(key AS BLOB) IN")

    def _on(self, keys: Sequence[str | bytes], what: str, statement: str) -> list[tuple[Any, ...]]:
        """Execute a statement on these keys, some at a time."""
        rows: list[tuple[Any, ...]] = []
        for start in range(0, len(keys), 500):
            some = keys[start : start + 500]
            rows += self._do(what, f"{statement} ({', '.join('?' * len(some))})", some)
        return rows

    def _do(self, what: str, statement: str, values: Sequence[Any] = (), create: bool = False) -> list[tuple[Any, ...]]:
        """Execute a statement and return its rows, none if there is no file; a damaged file is set aside."""
        if not create and not self.path.exists():
            return []
        try:
            return self._open().execute(statement, values).fetchall()
        except sqlite3.DatabaseError as e:
            if type(e) is sqlite3.DatabaseError:  # it is no SQLite file any more
                self._set_aside(str(e))
                return self._do(what, statement, values, create)
            full = getattr(e, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
            reason = io_reason(OSError(errno.ENOSPC, str(e)), self.path) if full else f"{self.path}: {e}"
            raise StoreError(f"cannot {what}: {reason}") from e

    def _set_aside(self, reason: str) -> None:
        self.close()
        aside = self.path.with_name(f"damaged-{int(time.time())}-{self.path.name}")
        self._warn(
            f"{self.path} is damaged ({reason}): it is kept as {aside.name}; fits that cannot be read from it are "
            "computed again"
        )
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{self.path}{end}", f"{aside}{end}")
        self._salvage(aside)

    def _salvage(self, aside: Path) -> None:
        """Take over from a damaged file what can still be read and is sound."""
        with closing(sqlite3.connect(f"{aside.as_uri()}?mode=ro", uri=True)) as damaged:
            damaged.row_factory = sqlite3.Row
            for number in range(1, aside.stat().st_size // LEAST_BYTES + 1):
                try:
                    found = damaged.execute("SELECT * FROM fits WHERE rowid = ?", (number,)).fetchone()
                except (sqlite3.Error, UnicodeError):
                    continue
                if (row := dict(found or {})) and is_sound(tuple(row.get(name) for name in COLUMNS.split(", "))):
                    insert = f"INSERT OR IGNORE INTO fits ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
                    self._open().execute(insert, list(row.values()))

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None:
            return self._connection
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise StoreError(io_reason(e, self.path)) from e
        waited_out = time.monotonic() + PATIENCE
        while self._connection is None:
            try:
                self._connection = self._connect()
            except sqlite3.OperationalError as e:
                # SQLite waits for others, but not while one makes a new file or the last one lets go of it.
                if e.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > waited_out:
                    raise
                time.sleep(0.01)
        with suppress(OSError):
            sync(self.path.parent.parent)  # a new folder is to be there after a power loss, too
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        # Every statement is a transaction; other processes wait their turn.
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        connection.text_factory = partial(str, encoding="utf-8", errors=UNDECODED)  # damaged text is another one
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # Never torn by a power loss, and no waiting for the disk at each fit: `sync` sees to that once for many.
            connection.execute("PRAGMA synchronous = NORMAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise StoreError(f"{self.path} has version {version}; this reads up to {VERSION}: upgrade quorate")
            connection.execute(_SCHEMA)
            if version < VERSION:
                connection.execute("BEGIN IMMEDIATE")  # of several processes one adds the columns
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                for column in ADDED[version - 1 :] if 0 < version < VERSION else ():
                    connection.execute(f"ALTER TABLE fits ADD COLUMN {column}")
                connection.execute(f"PRAGMA user_version = {VERSION}")
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection
