"""Fits in processes beside this one: one, for small work and as the reference, or one per CPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from quorate.errors import QuorateError
from quorate.execution.executor import LIMITS, SLOW, WARM, Began, Done, Executor, Limits, run_inline
from quorate.execution.isolated import Isolated, Lost
from quorate.execution.queue import Queue, Resources, check_room
from quorate.execution.resources import available_memory, cpu_count
from quorate.execution.shared import Shared
from quorate.execution.stack import first_stack, lost_fit, run_fits
from quorate.execution.task import FitData, FitResult, FitTask


class Processes(Executor):
    """Processes of this machine that are handed one fit, or a batch of small ones, after the other.

    `workers`, at least one, and `preload` are those of `make_executor`.
    """

    def __init__(self, workers: int, preload: tuple[str, ...] = ()) -> None:
        self.workers = workers
        self.name = "serial" if workers == 1 else "processes"
        self._preload = ",".join(("quorate.execution.fit", *preload))
        self._pool: list[_Worker] = []
        self._turn, self._closed = threading.Lock(), False
        self._grow(min(workers, WARM))

    def _grow(self, count: int) -> None:
        while len(self._pool) < count:
            self._pool.append(_Worker(Isolated(self._preload)))

    def run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits = LIMITS) -> None:
        """Run what is in the queue."""
        if self._closed:
            raise QuorateError("this executor was closed: make another")
        with self._turn:
            self._run(data, queue, done, began, limits.shared(self.workers))

    def _run(self, data: FitData, queue: Queue, done: Done, began: Began, limits: Limits) -> None:
        share = limits.memory
        memory = max(available_memory(), share * self.workers) or float("inf")
        machine = Resources(max(cpu_count(), self.workers), self.gpus(), memory)
        queue.share, queue.workers, queue.gpus = share, self.workers, machine.gpus
        check_room(queue.tasks, machine, "this machine")
        run_inline(data, queue, done, began)
        room = Resources(self.workers, machine.gpus, machine.memory)
        shared = Shared(data)
        try:
            self._grow(min(self.workers, len(queue)))
            idle, busy = list(reversed(self._pool[: self.workers])), list[_Worker]()
            while len(queue) or busy:
                while idle and (batch := self._next(queue, room if busy else machine)):
                    worker = idle.pop()
                    worker.begin(shared, batch, share)
                    room -= worker.takes
                    busy.append(worker)
                    began(batch)
                wait([worker.process.connection for worker in busy], timeout=1.0)
                for worker in list(busy):
                    self._hear(worker, data, queue, done, limits)
                    if not worker.tasks:
                        busy.remove(worker)
                        idle.append(worker)
                        room += worker.takes
        finally:
            for worker in [worker for worker in self._pool if worker.tasks]:
                self._drop(worker)  # something was raised
            shared.close()

    def _drop(self, worker: _Worker) -> None:
        """End a process: what it is at belongs to a run that is over."""
        self._pool.remove(worker)
        worker.process.close()

    def _next(self, queue: Queue, room: Resources) -> list[FitTask]:
        """Return what to hand out: the only worker need not wait for this process between two fits."""
        return (self.workers == 1 and queue.take_all()) or queue.take(room)

    def _hear(self, worker: _Worker, data: FitData, queue: Queue, done: Done, limits: Limits) -> None:
        """Take what a worker has to tell; one that was lost is replaced, and its fit tried once more."""
        while worker.tasks and (result := worker.process.result()) is not None:
            task = worker.tasks[0]
            if isinstance(result, Lost):
                again = queue.again(task)
                self._replace(worker, queue, again)
                if again:
                    return
                result = lost_fit(task, data, "its process died", result.seconds, f"twice: {result.ending}")
            else:
                worker.tasks.pop(0)
            queue.learn(result)
            done(result)
        if not worker.tasks:
            return
        seconds, task = worker.process.seconds, worker.tasks[0]
        together = first_stack(worker.tasks)
        if seconds >= limits.seconds * together:
            self._replace(worker, queue, again=together > 1)  # alone, it is known which one takes so long
            if together > 1:
                return
            done(lost_fit(task, data, limits.overdue(), seconds))
        elif seconds >= SLOW * together and worker.told is not task:
            worker.told = task
            limits.slow(task, seconds)

    @staticmethod
    def _replace(worker: _Worker, queue: Queue, again: bool = False) -> None:
        """Start another process; what it had not come to, and perhaps what it was at, is handed out again."""
        queue.alone(worker.tasks[0 if again else 1 :])
        worker.tasks = []
        worker.process.restart()

    def close(self) -> None:
        """End the processes."""
        self._closed = True
        with suppress(IndexError):  # another thread may be doing the same
            while True:
                self._pool.pop().process.close()


class _Worker:
    """A process, what it was handed, and which of that was told to be slow."""

    def __init__(self, process: Isolated[FitTask, FitResult]) -> None:
        self.process = process
        self.tasks: list[FitTask] = []
        self.takes = Resources()
        self.told: FitTask | None = None

    def begin(self, shared: Shared, batch: list[FitTask], memory: int) -> None:
        self.tasks = list(batch)
        self.takes = Resources.of(batch[0], memory)
        self.process.call(_fit, (shared, memory), batch)


def _fit(shared: tuple[Any, int], tasks: list[FitTask]) -> Iterator[FitResult]:
    handle, memory = shared
    return run_fits(tasks, handle.value, memory)
