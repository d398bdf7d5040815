"""The executor interface, and the executor that runs everything in this process."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from quorate.fit import FitData, FitResult, FitTask, run_fit

Done = Callable[[FitResult], None]


class Executor(ABC):
    """Runs fits and reports each as it is done, in any order.

    A context manager: making one may begin to start processes in the background, leaving the
    context ends them.
    """

    name: str
    workers: int

    @abstractmethod
    def run(self, data: FitData, tasks: Sequence[FitTask], done: Done) -> None:
        """Run the tasks and call `done` in this thread once for each."""

    @abstractmethod
    def close(self) -> None:
        """End what was started; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Serial(Executor):
    """One fit after the other in this process: for small work, debugging, and as the reference."""

    name = "serial"
    workers = 1

    def run(self, data: FitData, tasks: Sequence[FitTask], done: Done) -> None:
        """Run the tasks here."""
        for task in tasks:
            done(run_fit(task, data))

    def close(self) -> None:
        """Do nothing: nothing was started."""


def cpu_count() -> int:
    """Return the CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_executor(name: str, workers: int) -> Executor:
    """Return the executor of that name; `workers` 0 means one per CPU."""
    if name == "serial":
        return Serial()
    from quorate.execution._ray import RayExecutor

    return RayExecutor(workers or cpu_count())
