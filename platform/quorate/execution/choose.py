"""Which executor a run gets."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace

from quorate.errors import QuorateError, RecipeError
from quorate.execution.executor import HERE, LIMITS, Began, Done, Executor, Limits, Remote, run_inline
from quorate.execution.fit import FitData
from quorate.execution.processes import Processes
from quorate.execution.queue import Queue
from quorate.execution.resources import cpu_count

# Seconds of fits, one after the other. Below the first a second process costs more than it gives; from the second on
# the start of Ray is a small part of the whole. Measured: docs/adr/0017-executors.md.
FEW, MANY = 3.0, 600.0


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
            if (self._slots > 1 and seconds > MANY) or any(task.gpus for task in queue.tasks):
                self._ray(limits)
            else:
                self._seconds += seconds  # a second process, once started, serves all that is run after it
                self._chosen.workers = 1 if self._seconds < FEW else self._slots
        self.workers = self._chosen.workers
        self.name = "serial" if self.workers == 1 and self._chosen.name != "ray" else self._chosen.name
        self._chosen.run(data, queue, done, began, limits)

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


def make_executor(name: str, workers: int = 0, cluster: Remote = HERE, preload: Sequence[str] = ()) -> Executor:
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
    """
    if cluster.address and name in ("serial", "processes"):
        raise RecipeError(
            f"execution.address is {cluster.address!r}, but execution.executor is {name!r}, which runs here: "
            'leave one out, or set execution.executor = "ray"'
        )
    if not cluster.address and name in ("auto", "ray"):
        cluster = replace(cluster, address=_from_environment())
    if name == "ray" or (name == "auto" and cluster.address):
        from quorate.execution.ray.executor import RayExecutor

        return RayExecutor(workers, tuple(preload), cluster)
    slots = 1 if name == "serial" else workers or cpu_count()
    return Auto(slots, tuple(preload)) if name == "auto" else Processes(slots, tuple(preload))


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
