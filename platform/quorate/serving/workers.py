"""Forecasts that are made in processes of their own: several at a time, and no other answer waits for them."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeVar

from quorate.bars.panel import Bars
from quorate.errors import FitError, IntegrityError
from quorate.execution.progress import Progress
from quorate.runs.registering import ModelRegistry, Version
from quorate.runs.surroundings import usual
from quorate.serving.forecaster import Forecast, Forecaster

LOOK = 1.0  # seconds, after which a worker sees that the server is gone
T = TypeVar("T")
Which = tuple[Path, str, str]  # of a version: its home, ``NAME@VERSION``, and its seal


class WorkerEnded(FitError):
    """A process ended that was to forecast; another one takes its place."""


class AtWork(Protocol):
    """What forecasts: a `Forecaster`, here or elsewhere."""

    @property
    def known(self) -> Bars:
        """All bars that it knows."""

    def following(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of a few bars; nothing is kept of them."""


class Elsewhere:
    """A version's forecaster in every worker."""

    def __init__(self, workers: Workers, which: Which, known: Bars) -> None:
        self._workers, self._which, self.known = workers, which, known

    def following(self, bars: Bars) -> Forecast:
        """Return what is forecast at the last of a few bars; nothing is kept of them."""
        return self._workers.forecast(self._which, bars)


class Workers:
    """Processes that forecast. Several threads may ask at a time; each waits for a process that is idle.

    Parameters
    ----------
    home : path
        Whose versions.
    count : int
        How many.
    """

    def __init__(self, home: Path, count: int) -> None:
        self._home = home
        self._every = [_Worker() for _ in range(count)]
        self._idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for one in self._every:
            self._idle.put(one)

    def of_version(self, version: Version, progress: Progress | None = None) -> Elsewhere:
        """Return the forecaster of a registered version, once every worker has it.

        Raises
        ------
        StoreError, IntegrityError, FitError
            If it cannot be made.
        """
        which = self._home, version.standing.label, version.standing.seal
        with ThreadPoolExecutor(len(self._every)) as threads:
            known, *_ = threads.map(lambda one: one.call(_known, which), self._every)
        return Elsewhere(self, which, known)

    def forecast(self, which: Which, bars: Bars) -> Forecast:
        """Return what is forecast.

        Raises
        ------
        DataError, FitError
            As `Forecaster.following`; `WorkerEnded`, if the process ended.
        """
        one = self._idle.get()
        try:
            return one.call(_forecast, which, bars)
        finally:
            self._idle.put(one)

    def close(self) -> None:
        """End the processes."""
        for one in self._every:
            one.close()


class _Worker:
    """A process, and one after it if it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: ProcessPoolExecutor | None = _start()

    def call(self, function: Callable[..., T], *args: Any) -> T:
        if (process := self._process) is None:
            raise WorkerEnded("the server ends")
        try:
            return process.submit(function, *args).result()
        except BrokenProcessPool:
            with self._lock:
                if self._process is process:
                    self._process = _start()
            raise WorkerEnded("the process that was to forecast has ended: is there memory for it?") from None

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.shutdown(cancel_futures=True)  # what it shares with the system is given back with it


def _start() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(os.getpid(),))


_here: dict[Which, Forecaster] = {}  # of a worker
_stack = ExitStack()


def _begin(server: int) -> None:
    """Prepare a worker: Ctrl-C is the server's, and it ends with the server."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    atexit.register(os._exit, 0)  # to unload all libraries in order would take time, and be told of
    _stack.enter_context(usual())
    threading.Thread(target=_follow, args=(server,), daemon=True).start()


def _follow(server: int) -> None:
    while os.getppid() == server:
        time.sleep(LOOK)
    os._exit(0)


def _made(which: Which) -> Forecaster:
    if which not in _here:
        home, label, seal = which
        version = ModelRegistry(home).get(label)
        if version.standing.seal != seal:
            raise IntegrityError(f"{label} is not the version that was loaded: its seal is another")
        _here[which] = Forecaster.of_version(version)
    return _here[which]


def _known(which: Which) -> Bars:
    return _made(which).known


def _forecast(which: Which, bars: Bars) -> Forecast:
    return _made(which).following(bars)
