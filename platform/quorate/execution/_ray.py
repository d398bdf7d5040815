"""Fits on Ray; the only module that imports it."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quorate.errors import PluginError, QuorateError
from quorate.execution._base import Done, Executor, Limits
from quorate.fit import FitData, FitResult, FitTask, lost_fit, run_fit
from quorate.isolated import SLOW

START = 5.0  # seconds that a new worker may take before it begins to fit
STORE_BYTES = 1 << 30


class RayExecutor(Executor):
    """A local Ray of its own, started in the background while the caller prepares the data."""

    name = "ray"

    def __init__(self, workers: int, limits: Limits) -> None:
        self.workers = workers
        self._limits = limits
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
        inline = [task for task in tasks if task.plugin.inline is not None]
        if inline:
            raise PluginError(
                f"model {inline[0].model!r} is an inline plugin, which Ray's workers cannot find: put it into a file "
                "and give that, or use --set execution.executor=serial"
            )
        ray = self._ready()
        shared = ray.put(data)
        # A worker that dies is replaced and the fit runs once more; an error of the model is a result.
        remote = ray.remote(max_retries=1)(run_fit)
        queue = sorted(tasks, key=lambda t: -t.fold)
        running: dict[Any, _Running] = {}
        while queue or running:
            # No more than there is room for: so a fit's time begins when it is handed over.
            while queue and self._room(running) >= self._threads(queue[0]):
                task = queue.pop(0)
                reference = remote.options(num_cpus=self._threads(task)).remote(task, shared, self._limits.memory)
                running[reference] = _Running(task, time.monotonic())
            for finished in ray.wait(list(running), num_returns=1, timeout=1.0)[0]:
                done(self._fetch(ray, finished, running.pop(finished), data))
            for reference, fit in list(running.items()):
                if fit.seconds > self._limits.seconds + START:
                    ray.cancel(reference, force=True)
                    del running[reference]
                    done(lost_fit(fit.task, data, self._limits.overdue(), fit.seconds))
                elif self._limits.slow and fit.seconds > SLOW and not fit.told:
                    fit.told = True
                    self._limits.slow(fit.task, fit.seconds)

    def _threads(self, task: FitTask) -> int:
        return min(task.threads, self.workers)

    def _room(self, running: Mapping[Any, _Running]) -> int:
        return self.workers - sum(self._threads(fit.task) for fit in running.values())

    @staticmethod
    def _fetch(ray: Any, reference: Any, fit: _Running, data: FitData) -> FitResult:
        try:
            return ray.get(reference)  # type: ignore[no-any-return]
        except ray.exceptions.OutOfMemoryError:
            reason, how = "it used more memory than the machine has", ""
        except ray.exceptions.RayError as e:
            reason, how = "its process died", f"twice ({type(e).__name__})"
        return lost_fit(fit.task, data, reason, fit.seconds, how)

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


@dataclass
class _Running:
    """A fit that was handed over, when, and whether its slowness was told."""

    task: FitTask
    start: float
    told: bool = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start


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
