"""Which executor a run gets."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace

from quorate.errors import QuorateError, RecipeError
from quorate.execution.executor import HERE, LIMITS, Began, Done, Executor, Limits, Remote, run_inline
from quorate.execution.processes import Processes
from quorate.execution.queue import Queue
from quorate.execution.resources import cpu_count
from quorate.execution.task import FitData

# Seconds of fits, one after the other. Below the first a second process costs more than it gives; from the second on
# the start of Ray is a small part of the whole. Measured: docs/adr/0017-executors.md.
FEW, MANY = 3.0, 600.0


def suited(slots: int, seconds: float, gpus: bool) -> tuple[str, int]:
    """Return what suits fits that take so many seconds, one after the other, and how many then run at a time."""
    if (slots > 1 and seconds > MANY) or gpus:
        return "ray", slots
    return ("serial", 1) if slots == 1 or seconds < FEW else ("processes", slots)


class Unstarted(Executor):
    """Stands where fits would run, and tells what they would run on; it starts nothing and runs nothing.

    `name` and `workers` are those of the executor it stands for.
    """

    def __init__(self, name: str, workers: int) -> None:
        self.name, self.workers = name, workers

    def expected(self, seconds: float, gpus: bool = False) -> tuple[str, int]:
        """Return what fits would run on."""
        return suited(self.workers, seconds, gpus) if self.name == "auto" else (self.name, self.workers)

    def run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
        """Refuse."""
        raise QuorateError("this executor only tells where fits would run")

    def close(self) -> None:
        """Do nothing: nothing was started."""


class Auto(Executor):
    """Chooses when it is known what there is to do: one process, several, or Ray."""

    def __init__(self, workers: int, preload: tuple[str, ...]) -> None:
        self.name = "auto"
        self.workers = self._slots = workers
        self._preload = preload
        self._chosen: Executor = Processes(workers, preload)
        self._seconds = 0.0

    def run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
        """Run what is in the queue."""
        run_inline(data, queue, done, began)
        seconds = queue.seconds()
        if isinstance(self._chosen, Processes):
            name, slots = self.expected(seconds, any(task.gpus for task in queue.tasks))
            if name == "ray":
                self._ray(limits)
            else:
                self._seconds += seconds
                self._chosen.workers = slots
        self.workers = self._chosen.workers
        self.name = "serial" if self.workers == 1 and self._chosen.name != "ray" else self._chosen.name
        self._chosen.run(data, queue, done, began, limits)

    def expected(self, seconds: float, gpus: bool = False) -> tuple[str, int]:
        """Return what suits the fits, after all that was run before."""
        if not isinstance(self._chosen, Processes):
            return self._chosen.expected(seconds, gpus)
        name, slots = suited(self._slots, seconds, gpus)
        # A second process, once started, serves all that is run after it.
        return (name, slots) if name == "ray" else suited(self._slots, min(self._seconds + seconds, MANY), gpus)

    def _ray(self, limits: Limits) -> None:
        """Go over to a Ray of our own; where it cannot be started, the fits stay in processes."""
        from quorate.execution.ray.executor import RayExecutor

        ray = RayExecutor(self._slots, self._preload)
        try:
            ray.wait()
        except QuorateError as e:
            limits.note(f"{e}")
            ray.close()
            return
        except BaseException:
            ray.interrupt()
            raise
        self._chosen.close()
        self._chosen = ray

    def close(self) -> None:
        """End all that was started."""
        self._chosen.close()

    def interrupt(self) -> None:
        """End all that was started, at once."""
        self._chosen.interrupt()


def make_executor(
    name: str, workers: int = 0, cluster: Remote = HERE, preload: Sequence[str] = (), start: bool = True
) -> Executor:
    """Return the executor of that name; it starts in the background.

    Parameters
    ----------
    workers : int
        Fits at a time; 0: one per CPU.
    cluster : Remote, optional
        An existing one; without an address, that of the environment variable ``RAY_ADDRESS``. Where there
        is one, `auto` means Ray.
    preload : sequence of str
        Modules that workers import while the caller prepares the data.
    start : bool
        Else it only tells what fits would run on.
    """
    if cluster.address and name in ("serial", "processes"):
        raise RecipeError(
            f"execution.address is {cluster.address!r}, but execution.executor is {name!r}, which runs here: "
            'leave one out, or set execution.executor = "ray"'
        )
    if not cluster.address and name in ("auto", "ray"):
        cluster = replace(cluster, address=address_of_environment())
    slots = 1 if name == "serial" else workers or cpu_count()
    on_ray = name == "ray" or (name == "auto" and cluster.address)
    if not start:
        return Unstarted("ray" if on_ray else name, workers if cluster.address else slots)
    if on_ray:
        from quorate.execution.ray.executor import RayExecutor

        return RayExecutor(workers, tuple(preload), cluster)
    return Auto(slots, tuple(preload)) if name == "auto" else Processes(slots, tuple(preload))


def address_of_environment() -> str:
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
