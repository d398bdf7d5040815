"""The executor interface, and the executor that runs one fit after the other."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from quorate.fit import FitData, FitResult, FitTask, lost_fit, run_fit
from quorate.isolated import Isolated, Lost
from quorate.limits import SHARE, available_memory

Done = Callable[[FitResult], None]
Slow = Callable[[FitTask, float], None]


@dataclass(frozen=True)
class Limits:
    """What one fit may take before it is stopped.

    Parameters
    ----------
    seconds : float
        Wall time.
    memory : int
        Bytes beyond what its process has; 0: no limit.
    slow : callable, optional
        Told once of a fit that takes longer than a minute, and its seconds.
    """

    seconds: float = 600.0
    memory: int = 0
    slow: Slow | None = None

    def overdue(self) -> str:
        """Return what is said of a fit that took longer."""
        return f"it did not finish within {self.seconds:g} s (execution.fit_seconds)"


class Executor(ABC):
    """Runs fits and reports each as it is done, in any order; a fit that fails is a result too.

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
    """One fit after the other, in one process beside this one: for small work, and as the reference.

    An inline plugin is fitted in this process: no other could find it.
    """

    name = "serial"
    workers = 1

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: Isolated[FitTask, FitResult] = Isolated("quorate.fit")

    def run(self, data: FitData, tasks: Sequence[FitTask], done: Done) -> None:
        """Run the tasks."""
        for task in tasks:
            if task.plugin.inline is not None:
                done(run_fit(task, data))
        away = [task for task in tasks if task.plugin.inline is None]
        shared = data, self._limits.memory
        for task, result in self._process.each(_fit_shared, shared, away, self._limits.seconds, self._limits.slow):
            if isinstance(result, Lost):
                reason = "its process died" if result.ending else self._limits.overdue()
                result = lost_fit(task, data, reason, result.seconds, result.ending)
            done(result)

    def close(self) -> None:
        """End the process."""
        self._process.close()


def _fit_shared(shared: tuple[FitData, int], task: FitTask) -> FitResult:
    data, memory = shared
    try:
        return run_fit(task, data, memory)
    except KeyboardInterrupt:  # not from a keyboard: this process does not hear it
        return lost_fit(task, data, "it raised KeyboardInterrupt", 0.0)


def cpu_count() -> int:
    """Return the CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_executor(name: str, workers: int, fit_seconds: float, fit_memory: float, slow: Slow | None = None) -> Executor:
    """Return the executor of that name.

    Parameters
    ----------
    workers : int
        Fits at a time; 0: one per CPU.
    fit_seconds, fit_memory : float
        Limits of one fit, in seconds and GiB; 0 GiB: its share of what is free now.
    slow : callable, optional
        Told of fits that take long.
    """
    slots = 1 if name == "serial" else workers or cpu_count()
    memory = int(fit_memory * 2**30) or int(available_memory() * SHARE / slots)
    limits = Limits(fit_seconds, memory, slow)
    if name == "serial":
        return Serial(limits)
    from quorate.execution._ray import RayExecutor

    return RayExecutor(slots, limits)
