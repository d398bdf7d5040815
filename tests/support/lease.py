"""One pool of workers for all tests of a process: whoever makes an executor borrows it."""

from __future__ import annotations

import threading
from typing import Any

from quorate.errors import QuorateError
from quorate.execution.executor import LIMITS, Began, Done, Limits
from quorate.execution.processes import Processes
from quorate.execution.queue import Queue
from quorate.execution.task import FitData


class Pool:
    """The workers that are lent, started when they are first asked for."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._processes: Processes | None = None

    def run(self, workers: int, *work: Any) -> None:
        """Do work with so many of the workers."""
        with self._turn:
            if self._processes is None:
                self._processes = Processes(workers)
            self._processes.workers = workers
            self._processes.run(*work)

    def close(self) -> None:
        """End them."""
        if self._processes is not None:
            self._processes.close()


class Lease(Processes):
    """`Processes` whose processes are those of the pool, and stay when it is closed."""

    pool: Pool

    def __init__(self, workers: int, preload: tuple[str, ...] = ()) -> None:
        self.workers = workers
        self.name = "serial" if workers == 1 else "processes"
        self._closed = False

    def run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
        """Run what is in the queue."""
        if self._closed:
            raise QuorateError("this executor was closed: make another")
        self.pool.run(self.workers, data, queue, done, began, limits)

    def close(self) -> None:
        """Give them back."""
        self._closed = True
