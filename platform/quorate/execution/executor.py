"""The executor interface: where fits run, and what one may take."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from quorate.execution.fit import run_fit
from quorate.execution.queue import Queue
from quorate.execution.resources import SHARE, available_memory, gpu_count
from quorate.execution.task import FitData, FitResult, FitTask

Done = Callable[[FitResult], None]
Began = Callable[[Sequence[FitTask]], None]
Told = Callable[[str], None]
SLOW = 60.0  # seconds after which a fit is told to be slow
WARM = 2  # processes that are started before it is known how much there is to do


def _tell(message: str) -> None:
    print(message, file=sys.stderr)


@dataclass(frozen=True)
class Limits:
    """What one fit may take before it is stopped, and whom to tell what.

    Parameters
    ----------
    seconds : float
        Wall time.
    memory : int
        Bytes beyond what its process has; 0: its share of what is free now, on a cluster no limit.
    warn, note : callable
        Hear what the user should know, and what may be worth a line.
    """

    seconds: float = 600.0
    memory: int = 0
    warn: Told = _tell
    note: Told = _tell

    def shared(self, workers: int) -> Limits:
        """Return them with a memory of its share of what is free now, unless it is given."""
        return self if self.memory else replace(self, memory=int(available_memory() * SHARE / workers))

    def overdue(self) -> str:
        """Return what is said of a fit that took longer."""
        return f"it did not finish within {self.seconds:g} s (execution.fit_seconds)"

    def slow(self, task: FitTask, seconds: float) -> None:
        """Warn of a fit that takes long."""
        self.warn(
            f"model {task.model!r} has been fitting on fold {task.fold} for {seconds:.0f} s; it is stopped after "
            f"{self.seconds:g} s (execution.fit_seconds)"
        )


LIMITS = Limits()


@dataclass(frozen=True)
class Remote:
    """An existing Ray cluster.

    Parameters
    ----------
    address : str
        ``HOST:PORT``; empty: none.
    home : Path, optional
        Where clusters that this home started are noted, with their tokens.
    allow_insecure : bool
        Join one on another machine even if it asks for no token.
    """

    address: str = ""
    home: Path | None = None
    allow_insecure: bool = False


HERE = Remote()


class Executor(ABC):
    """Runs fits and reports each as it is done, in any order; a fit that fails is a result too.

    A context manager: making one may begin to start processes in the background, leaving the
    context ends them. One executor may serve several runs, one after the other.
    """

    name: str
    workers: int

    @abstractmethod
    def run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
        """Run what is in the queue.

        Parameters
        ----------
        done : callable
            Called in this thread, once for each fit.
        began : callable
            Hears which fits were handed out; one that was lost may be handed out again.
        limits : Limits
            Of one fit; they belong to the work, not to where it is done.
        """

    def expected(self, seconds: float, gpus: bool = False) -> tuple[str, int]:
        """Return what fits will run on, and how many at a time (0: not known before a cluster is joined).

        Parameters
        ----------
        seconds : float
            What they are thought to take, one after the other.
        gpus : bool
            Whether any asks for a GPU.
        """
        return self.name, self.workers

    def gpus(self) -> int:
        """Return how many GPUs there are, here those of this machine; may wait until that is known."""
        return gpu_count()

    @abstractmethod
    def close(self) -> None:
        """End what was started; may be called twice."""

    def interrupt(self) -> None:
        """End what was started at once, whatever is going on there."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            self.interrupt()
        else:
            self.close()


def run_inline(data: FitData, queue: Queue, done: Done, began: Began) -> None:
    """Fit inline plugins in this process: no other could find them."""
    while tasks := queue.take_inline():  # those of a fold may go on from those of the fold before
        for task in tasks:
            began([task])
            done(run_fit(task, data))
