"""The ledger: an append-only record of what was tried, chained by hashes, so that a change to it is seen.

::

    HOME/ledger/ledger.jsonl           one entry per line, see `quorate.evidence.ledger.chain`
    HOME/ledger/lock                   held while entries are added
    HOME/ledger/torn-TIME              the end of a line whose writing was cut off
    HOME/ledger/returns/KEY.npy        out-of-sample returns of a candidate, see `quorate.evidence.ledger.series`
    HOME/ledger/data/FINGERPRINT.json  the lineage of the bars it was tried on; FINGERPRINT-DIGEST.json a further one
    HOME/ledger/borrowed               there in a copy that went along with a job
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from quorate.errors import IntegrityError, StoreError
from quorate.evidence.ledger.chain import BEGIN, Break, Entry, Head, add, end_of, parse, read_chain, seal
from quorate.evidence.ledger.series import TriedFiles
from quorate.store import Home
from quorate.store.files import io_reason, replacing, sync
from quorate.store.sharing import shared_with, user_and_host

BORROWED = "borrowed"
# What somebody decides: of a home that is shared these entries say who it was, as ``by``.
BY_SOMEBODY = ("opening", "report", "override", "version", "stage")
PATIENCE = 30.0  # seconds to wait for another process that adds entries

Write = Callable[[Sequence[Mapping[str, Any]]], list[Entry]]


class Ledger:
    """The ledger in a folder; it need not be there yet.

    Parameters
    ----------
    folder : Path
        ``HOME/ledger``, or that of another chain of the same kind.
    warn : callable
        Is told that a torn line was set aside.
    name : str
        Of its file.
    """

    def __init__(self, folder: Path, warn: Callable[[str], object] = warnings.warn, name: str = "ledger.jsonl") -> None:
        self.folder = folder
        self.path = folder / name
        self.files = TriedFiles(folder)
        self._warn = warn

    @property
    def borrowed(self) -> bool:
        """Whether it is the copy that a job was sent with: what is appended to it stays there."""
        return (self.folder / BORROWED).exists()

    def lend(self, folder: Path) -> None:
        """Copy it there, for a run that is computed elsewhere and counts what was tried here."""
        if self.folder.exists():
            shutil.copytree(self.folder, folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / BORROWED).touch()

    def entries(self, until: int | None = None) -> list[Entry]:
        """Return the entries, oldest first, after checking the chain.

        Parameters
        ----------
        until : int, optional
            Number of the last entry that is wanted: the ledger as it was then.

        Raises
        ------
        IntegrityError
            If a line was changed, removed or moved, or the ledger ends before `until`.
        StoreError
            If it was written by a newer version.
        """
        found, broken = read_chain(self.read())
        if broken:
            raise self._changed(broken)
        if until is not None and until > len(found):
            raise IntegrityError(f"{self.path} was cut off: it must have entry {until}; its last one is {len(found)}")
        return found[:until]

    def of_run(self, run: str) -> list[Entry]:
        """Return the entries of one run, oldest first; the rest is not looked at."""
        text, wanted = self.read(), f'"run":{json.dumps(run)}'.encode()
        found = []
        at = text.find(wanted)
        while at >= 0 and (end := text.find(b"\n", at)) >= 0:
            found.append(self._parsed(text[text.rfind(b"\n", 0, at) + 1 : end]))
            at = text.find(wanted, end)
        return [entry for entry in found if entry.get("run") == run]

    def read(self) -> bytes:
        """Return the file as it is, empty if there is none."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as e:
            raise StoreError(f"cannot read {self.path}: {e.strerror or e}") from e

    @property
    def head(self) -> Head:
        """The last entry's number and hash; only the end of the file is read."""
        try:
            with open(self.path, "rb") as file:
                line, torn = end_of(file)
                empty = file.seek(0, os.SEEK_END) == len(torn)
        except FileNotFoundError:
            return Head(0, BEGIN)
        except OSError as e:
            raise StoreError(f"cannot read {self.path}: {e.strerror or e}") from e
        if empty:
            return Head(0, BEGIN)
        entry = self._parsed(line)
        return Head(entry["seq"], entry["hash"])

    def append(self, entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
        """Add entries in one write; they are on the disk when this returns. See `writing`."""
        with self.writing() as write:
            return write(entries)

    @contextmanager
    def writing(self) -> Iterator[Write]:
        """Hold the ledger and yield a function that adds entries and returns them as they were written.

        What is read meanwhile stays the last word: other processes wait. A line whose writing was cut off
        is set aside first.

        Raises
        ------
        StoreError
            If it cannot be written, or another process holds it too long.
        IntegrityError
            If the last line was changed.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.folder / "lock", "a", encoding="utf-8") as lock:
                self._wait_for(lock)
                self._set_torn_aside()
                yield self._write
        except OSError as e:
            raise StoreError(io_reason(e, self.path)) from e

    def _wait_for(self, lock: IO[str]) -> None:
        waited_out = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > waited_out:
                    raise StoreError(
                        f"another process has held {self.path} for {PATIENCE:g} s: end that process and try again"
                    ) from None
            time.sleep(0.005)

    def _set_torn_aside(self) -> None:
        if not self.path.exists():
            return
        with open(self.path, "r+b") as file:
            _, torn = end_of(file)
            if not torn:
                return
            aside = self.folder / f"torn-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S.%f}"
            with replacing(aside) as temporary:
                temporary.write_bytes(torn)
            file.truncate(file.seek(0, os.SEEK_END) - len(torn))
            os.fsync(file.fileno())
        size = f"{len(torn)} byte{'' if len(torn) == 1 else 's'}"
        self._warn(
            f"the last entry of {self.path} was not written to its end ({size}): it is kept as {aside.name}, and "
            "does not count"
        )

    def _write(self, entries: Sequence[Mapping[str, Any]]) -> list[Entry]:
        head = self.head
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        who = {"by": user_and_host()} if shared_with(self.folder.parent) else {}
        lines = []
        for entry in entries:
            told = who if entry.get("kind") in BY_SOMEBODY else {}
            line, head = seal({**entry, **told, "time": now}, head)
            lines.append(line)
        if lines:
            new = not self.path.exists()
            with open(self.path, "ab", buffering=0) as file:
                add(file, b"".join(lines))
            if new:
                sync(self.folder)
        return [json.loads(line) for line in lines]

    def _parsed(self, line: bytes) -> Entry:
        entry, broken = parse(line, 0)
        if broken:
            raise self._changed(read_chain(self.read())[1] or broken)
        return entry

    def _changed(self, broken: Break) -> IntegrityError:
        return IntegrityError(
            f"{self.path} was changed after it was written: {broken}. Restore the file from a backup; or move "
            f"{self.folder} away, and a new one begins, which is then said"
        )


def ledger_of(home: Home) -> Ledger:
    """Return the record of what was tried in a home."""
    return Ledger(home.path / "ledger")
