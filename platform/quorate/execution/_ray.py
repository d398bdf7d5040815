"""Fits on Ray; the only module that imports it."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quorate.errors import FitError, QuorateError
from quorate.execution._base import Done, Executor
from quorate.fit import FitData, FitResult, FitTask, run_fit

WAITING_PER_WORKER = 2  # tasks handed to Ray ahead of time, so that no worker waits for the driver
STORE_BYTES = 1 << 30


class RayExecutor(Executor):
    """A local Ray of its own, started in the background while the caller prepares the data."""

    name = "ray"

    def __init__(self, workers: int) -> None:
        self.workers = workers
        # Short, because Unix sockets live below it and their paths are limited.
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=f"quorate-{os.getpid()}-"))
        self._failure: BaseException | None = None
        self._mine = False
        self._started, self._over = threading.Event(), threading.Event()
        threading.Thread(target=self._start, name="ray-start", daemon=True).start()

    def _start(self) -> None:
        try:
            _prepare_environment()
            import ray

            ray.init(
                address="local",  # never attach to a cluster that happens to run
                num_cpus=self.workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                object_store_memory=STORE_BYTES,
                _temp_dir=str(self._folder),
            )
            self._mine = True
        except BaseException as e:
            self._failure = e
        self._started.set()
        # Ray's processes are told to end with the thread that started them.
        self._over.wait()

    def run(self, data: FitData, tasks: Sequence[FitTask], done: Done) -> None:
        """Run the tasks, the largest training sets first; the data is shared, not copied."""
        ray = self._ready()
        shared = ray.put(data)
        # A worker that dies is replaced and the fit runs again; an error of the model is a result.
        remote = ray.remote(max_retries=2)(run_fit)
        queue = sorted(tasks, key=lambda t: -t.fold)
        running: dict[Any, FitTask] = {}
        while queue or running:
            while queue and len(running) < WAITING_PER_WORKER * self.workers:
                task = queue.pop(0)
                slot = remote.options(num_cpus=min(task.threads, self.workers))
                running[slot.remote(task, shared)] = task
            for finished in ray.wait(list(running), num_returns=1)[0]:
                task = running.pop(finished)
                done(self._fetch(ray, finished, task))

    @staticmethod
    def _fetch(ray: Any, reference: Any, task: FitTask) -> FitResult:
        try:
            return ray.get(reference)  # type: ignore[no-any-return]
        except ray.exceptions.RayError as e:
            raise FitError(
                f"model {task.model!r}, fold {task.fold}: its worker process died: {str(e).splitlines()[0]}"
            ) from e

    def _ready(self) -> Any:
        self._started.wait()
        if self._failure is not None:
            raise QuorateError(
                f"Ray could not be started: {self._failure}; run without it: --set execution.executor=serial"
            ) from self._failure
        import ray

        return ray

    def close(self) -> None:
        """Stop this Ray and remove its folder."""
        try:
            self._started.wait()
            if self._mine:
                import ray

                self._mine = False
                ray.shutdown()
        finally:
            self._over.set()
            shutil.rmtree(self._folder, ignore_errors=True)


def _sweep() -> None:
    """Remove the folders of processes that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob("quorate-*-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path("/proc", pid).exists() and Path("/proc").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _prepare_environment() -> None:
    """Set what Ray reads from the environment, for this process and those that it starts."""
    os.environ.update(
        RAY_AUTH_MODE="token",
        RAY_USAGE_STATS_ENABLED="0",
        # By default a task that runs out of memory is retried for ever.
        RAY_task_oom_retries="1",
        RAY_worker_niceness="0",
    )
    if "RAY_AUTH_TOKEN" not in os.environ and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        # One for the whole process: Ray reads it once, however often it is started.
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
