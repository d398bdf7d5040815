"""What a home holds, kept up to date beside the window while other processes write to it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

from quorate.errors import QuorateError
from quorate.report.views import runs as run_views
from quorate.report.views import sweep as sweep_views
from quorate.store import Home, Run

Kind = Literal["run", "sweep"]
Row = Mapping[str, Any]
KINDS: tuple[Kind, ...] = ("run", "sweep")
PAUSE = 2.0  # seconds between two looks, at least
SHARE = 20  # and so many times as long as a look takes: of a slow disk no more than this part is asked for
BATCH = 40  # rows after which they are told first
OFTEN = 1.0  # seconds between two tellings while more are read: each is drawn
GOING = ("running", "submitted", "interrupted")  # a lock, which changes no folder, is taken or left


class Catalogue:
    """The runs and sweeps of a home as rows, newest first.

    Parameters
    ----------
    home : Home
        Which.
    told : callable
        Called, in the thread that looks, when rows are new, changed or gone.
    """

    def __init__(self, home: Home, told: Callable[[], object]) -> None:
        self.home = home
        self._told = told
        self._seen: dict[tuple[Kind, str], tuple[object, Row]] = {}
        self._lock = threading.Lock()
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._watch, name="catalogue", daemon=True)
        self.read = False  # whether all was looked at once

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._wake.set()

    def soon(self) -> None:
        """Look at once: something is known to have changed."""
        self._wake.set()

    def rows(self, kind: Kind) -> list[Row]:
        """Return the rows of runs or sweeps, newest first."""
        with self._lock:
            return [row for (of, _), (_, row) in sorted(self._seen.items(), reverse=True) if of == kind]

    def row(self, kind: Kind, name: str) -> Row | None:
        """Return a row; None, if there is none."""
        with self._lock:
            found = self._seen.get((kind, name))
        return found[1] if found else None

    def look(self) -> bool:
        """Look once; whether anything was new, changed or gone."""
        changed = False
        there: set[tuple[Kind, str]] = set()
        unread, last = 0, -OFTEN
        for kind in KINDS:
            for run in reversed(self.home.runs(kind)):
                if self._over.is_set():
                    return changed
                there.add((kind, run.id))
                if self._row(run):
                    changed, unread = True, unread + 1
                    if unread >= BATCH and time.monotonic() >= last + OFTEN:
                        last = time.monotonic()
                        self._told()
        with self._lock:
            gone = self._seen.keys() - there
            for key in gone:
                del self._seen[key]
        changed = changed or bool(gone)
        first, self.read = not self.read, True
        if changed or first:
            self._told()
        return changed

    def _row(self, run: Run) -> bool:
        """Read a run, unless it is as it was; whether it is not."""
        key = (run.kind, run.id)
        before = self._seen.get(key)
        mark = _mark(run)
        if before is not None and before[0] == mark:
            state = before[1]["state"]
            if state not in GOING or state == run.state:
                return False
        views: Any = run_views if run.kind == "run" else sweep_views
        row = views.listed([run])[0]
        with self._lock:
            self._seen[key] = mark, row
        return before is None or before[1] != row

    def _watch(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            with suppress(OSError, QuorateError):  # the home is gone, or may not be read now: it may come back
                self.look()
            self._wake.wait(max(PAUSE, SHARE * (time.monotonic() - began) if self.read else PAUSE))
            self._wake.clear()


def _mark(run: Run) -> object:
    """Return what changes when something in a run's folder is written, or is taken away."""
    try:
        found = os.stat(run.path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
