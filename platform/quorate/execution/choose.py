"""Which executor a run gets."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quorate.errors import RecipeError
from quorate.execution.executor import Began, Done, Executor, Limits, Remote, run_inline
from quorate.execution.fit import FitData
from quorate.execution.processes import Processes
from quorate.execution.queue import Queue
from quorate.execution.resources import SHARE, available_memory, cpu_count, gpu_count

if TYPE_CHECKING:
    from quorate.execution.ray.executor import RayExecutor

# Seconds of fits, one after the other. Below the first a second process costs more than it gives; from the second on
# the start of Ray is a small part of the whole. Measured: docs/adr/0017-executors.md.
FEW, MANY = 3.0, 600.0


class Auto(Executor):
    """Chooses when it is known what there is to do: one process, several, or Ray.

    Ray starts while processes have begun with the fits, and takes over what is left.
    """

    def __init__(self, workers: int, limits: Limits, preload: tuple[str, ...]) -> None:
        self.name = "auto"
        self.workers = self._slots = workers
        self._limits, self._preload = limits, preload
        self._processes = Processes(workers, limits, preload)
        self._ray: RayExecutor | None = None
        self._seconds = 0.0

    def run(self, data: FitData, queue: Queue, done: Done, began: Began) -> None:
        """Run what is in the queue."""
        run_inline(data, queue, done, began, self._limits)
        seconds = queue.seconds()
        gpus = any(task.gpus for task in queue.tasks)
        if self._ray is None and ((self._slots > 1 and seconds > MANY) or gpus):
            from quorate.execution.ray.executor import RayExecutor

            self._ray = RayExecutor(self._slots, self._limits, self._preload)
        if self._ray is None or not (gpus or self._ray.usable()):
            self._seconds += seconds  # a second process, once started, serves all that is run after it
            self._processes.workers = self.workers = 1 if self._seconds < FEW else self._slots
            self.name = "serial" if self.workers == 1 else "processes"
            self._processes.run(data, queue, done, began, until=self._ray.usable if self._ray else lambda: False)
        if self._ray is not None and len(queue):
            self._processes.close()
            self.name, self.workers = "ray", self._slots
            self._ray.run(data, queue, done, began)

    def gpus(self) -> int:
        """Return the GPUs of this machine."""
        return gpu_count()

    def close(self) -> None:
        """End all that was started."""
        self._processes.close()
        if self._ray is not None:
            self._ray.close()

    def interrupt(self) -> None:
        """End all that was started, at once."""
        self._processes.close()
        if self._ray is not None:
            self._ray.interrupt()


def make_executor(
    name: str, workers: int, limits: Limits, cluster: Remote | None = None, preload: Sequence[str] = ()
) -> Executor:
    """Return the executor of that name; it starts in the background.

    Parameters
    ----------
    workers : int
        Fits at a time; 0: one per CPU.
    limits : Limits
        Of one fit; a memory of 0 is its share of what is free now.
    cluster : Remote, optional
        An existing one; without an address, that of the environment variable ``RAY_ADDRESS``. Where there
        is one, `auto` means Ray.
    preload : sequence of str
        Modules that workers import while the caller prepares the data.
    """
    cluster = cluster or Remote()
    if cluster.address and name in ("serial", "processes"):
        raise RecipeError(
            f"execution.address is {cluster.address!r}, but execution.executor is {name!r}, which runs here: "
            'leave one out, or set execution.executor = "ray"'
        )
    if not cluster.address and name in ("auto", "ray"):
        cluster = replace(cluster, address=_from_environment())
    if name == "ray" or (name == "auto" and cluster.address):
        from quorate.execution.ray.executor import RayExecutor

        return RayExecutor(workers, limits, tuple(preload), cluster.address, cluster.home, cluster.allow_insecure)
    slots = 1 if name == "serial" else workers or cpu_count()
    if not limits.memory:
        limits = replace(limits, memory=int(available_memory() * SHARE / slots))
    if name == "auto":
        return Auto(slots, limits, tuple(preload))
    return Processes(slots, limits, tuple(preload))


def _from_environment() -> str:
    """Return the cluster that ``RAY_ADDRESS`` names, if any."""
    address = os.environ.get("RAY_ADDRESS", "")
    if address in ("", "local"):
        return ""
    if not re.fullmatch(r"[^/\s]+:\d+", address):
        raise RecipeError(
            f"the environment variable RAY_ADDRESS must be HOST:PORT for a run to go there; it is {address!r}: change "
            "or unset it, or run on this machine with --set execution.executor=processes"
        )
    return address
