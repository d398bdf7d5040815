"""Processes that all tests of a process share: whoever makes an executor, or tries a kept model, borrows them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from quorate.errors import QuorateError
from quorate.execution.executor import LIMITS, Began, Done, Limits
from quorate.execution.isolated import Isolated, Lost
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


class Aside(Isolated[Any, Any]):
    """The process in which kept models are made again: it stays when it is closed, unless it still owes an answer."""

    due = 0

    def call(self, function: Callable[[Any, list[Any]], Iterable[Any]], shared: Any, items: Sequence[Any]) -> None:
        """Have a function called."""
        self.due = len(items)
        super().call(function, shared, items)

    def result(self, timeout: float = 0.0) -> Any | Lost | None:
        """Return the next result, if there is one."""
        found = super().result(timeout)
        self.due -= found is not None
        return found

    def restart(self) -> None:
        """End the process and start another."""
        self.end()
        self.due = 0
        self._process, self.connection = self._start()

    def close(self) -> None:
        """Give it back."""
        if self.due:
            self.restart()

    def end(self) -> None:
        """End the process."""
        super().close()
