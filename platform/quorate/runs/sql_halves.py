"""Reports of many runs, read by two processes: a report takes milliseconds to parse and to check."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from quorate.runs.sql_views import Gathered
from quorate.store import Run

MANY = 40  # runs from which on a second process is worth its start

Gather = Callable[[Sequence[str], Sequence[Run]], Gathered]


@contextmanager
def reading(runs: Sequence[Run]) -> Iterator[Gather]:
    """Yield what gathers views, by name, of these runs and of some sweeps.

    The second process is a copy of this one, and so must begin before there are threads: those of DuckDB, too.
    """
    if len(runs) < MANY or not _may_fork():
        yield lambda names, sweeps: Gathered(names, runs, sweeps)
        return
    half = len(runs) // 2
    asked, ask = os.pipe()
    answer, answered = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(ask)
            os.close(answer)
            with open(asked, "rb") as question, open(answered, "wb") as reply:
                pickle.dump(Gathered(pickle.load(question), runs[half:], ()), reply)
        finally:
            os._exit(0)  # nothing that this process has begun is its own to end
    os.close(asked)
    os.close(answered)

    def gather(names: Sequence[str], sweeps: Sequence[Run]) -> Gathered:
        with suppress(BrokenPipeError):
            os.write(ask, pickle.dumps(list(names)))
        found = Gathered(names, runs[:half], sweeps)
        try:
            with open(answer, "rb", closefd=False) as reply:
                rest = pickle.load(reply)
        except (EOFError, pickle.UnpicklingError):  # it was ended
            rest = Gathered(names, runs[half:], ())
        return found.joined(rest)

    try:
        yield gather
    finally:
        os.close(ask)
        os.close(answer)
        os.waitpid(child, 0)


def _may_fork() -> bool:
    alone = threading.active_count() == 1 and not {"duckdb", "numpy"} & set(sys.modules)  # which have threads, too
    return alone and hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1
