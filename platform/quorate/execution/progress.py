"""What a run tells while it goes on; the terminal and the run's log implement it, tests and notebooks need not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quorate.execution.metering import Looks, StageMeter, Use, used_so_far
from quorate.execution.resources import most_memory

if TYPE_CHECKING:
    from quorate.execution.task import FitResult, FitTask

# States of a fit. Where one mark stands for several fits it shows the highest.
CACHED, DONE, WAITING, RUNNING, FAILED = range(5)


class Progress:
    """Hears of stages and fits; this one keeps quiet.

    `since` is when the whole began, in seconds since 1970, if that was before anything could be heard.
    """

    since: float | None = None

    def run(self, folder: Path, command: str = "run") -> None:
        """Hear where the run is kept, and what is being done to it: ``run``, ``resume`` or ``promote``."""

    def stage(self, name: str) -> None:
        """Hear that a stage begins."""

    def staged(self, name: str, began: float, seconds: float) -> None:
        """Hear that a stage is over; `began` is in seconds since 1970."""

    def used(self, name: str, use: Use) -> None:
        """Hear what a stage took; it is over right after."""

    def planned(self, plan: Mapping[str, Any]) -> None:
        """Hear what is to be fitted, before it is: a `quorate.Plan` as plain data."""

    def fits(self, totals: Mapping[str, int], folds: Sequence[int] = ()) -> None:
        """Hear how many fits per model are to come, and on which folds."""

    def workers(self, count: int, executor: str = "") -> None:
        """Hear how many fits may run at a time, and what runs them."""

    def began(self, tasks: Sequence[FitTask]) -> None:
        """Hear that fits were handed out together; one that was lost may be handed out again."""

    def fitted(self, result: FitResult) -> None:
        """Hear that a fit is done."""

    def epoch(self, told: Mapping[str, str]) -> None:
        """Hear of an epoch of a training, by the names of its line in the log."""

    def trial(self, told: Mapping[str, Any]) -> None:
        """Hear how a sweep stands: model, trial, state, value, best, and what `quorate.runs.sweep` says beside them."""

    def warn(self, message: str) -> None:
        """Hear what the user should know."""

    def note(self, message: str) -> None:
        """Hear what may be worth a quiet line."""

    def ended(self, state: str) -> None:
        """Hear how the run ended: ``finished``, ``interrupted`` or ``failed``."""

    def close(self) -> None:
        """Hear that nothing more will come."""


class Several(Progress):
    """Passes on all that it hears to several listeners, in their order."""

    def __init__(self, *listeners: Progress) -> None:
        self.since = next((one.since for one in listeners if one.since is not None), None)
        for name in [name for name, what in vars(Progress).items() if callable(what) and not name.startswith("_")]:
            setattr(self, name, partial(_tell, [getattr(listener, name) for listener in listeners]))


def _tell(listeners: Sequence[Callable[..., None]], *args: Any, **kwargs: Any) -> None:
    for listener in listeners:
        listener(*args, **kwargs)


def finished(counts: Sequence[int]) -> int:
    """Return how many fits of a model are done, in whatever way."""
    return counts[CACHED] + counts[DONE] + counts[FAILED]


class Clock:
    """Times the stages of a run; they add up to the whole.

    Parameters
    ----------
    progress : Progress
        Hears of the stages. What passed since its `since` is a stage named ``start``.
    """

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.intervals: list[dict[str, Any]] = []
        self.uses: dict[str, Use] = {}
        self._looks = Looks(max(time.time() - progress.since, 0.0) if progress.since is not None else 0.0)
        self._looks.look()
        self._before = self._looks.cpu_seconds if progress.since is None else 0.0
        self._start = time.perf_counter()
        if progress.since is not None:
            passed = max(time.time() - progress.since, 0.0)
            self._start -= passed
            self._over("start", progress.since, passed, used_so_far())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        self.progress.stage(name)
        began, start, meter = time.time(), time.perf_counter(), StageMeter(self._looks)
        try:
            yield
        finally:
            use = meter.over()
            self._over(name, began, time.perf_counter() - start, use)

    def _over(self, name: str, began: float, seconds: float, use: Use) -> None:
        self.uses[name] = self.uses.get(name, Use()).joined(use)
        self.progress.used(name, use)
        self.intervals.append({"stage": name, "began": round(began, 4), "seconds": round(seconds, 4)})
        self.progress.staged(name, began, seconds)

    @property
    def stages(self) -> dict[str, float]:
        """Seconds per stage."""
        stages: dict[str, float] = {}
        for interval in self.intervals:
            stages[interval["stage"]] = stages.get(interval["stage"], 0.0) + interval["seconds"]
        return stages

    def telemetry(self) -> dict[str, object]:
        """Return seconds per stage and in all, when each was, and what each took of processors and memory, in MiB.

        ``peak_memory_mib`` is of this process, and ``total_memory_mib`` of all processes together.
        """
        total, stages = time.perf_counter() - self._start, self.stages
        self._looks.look()
        stages["other"] = max(total - sum(stages.values()), 0.0)
        return {
            "seconds": round(total, 4),
            "stages": {name: round(seconds, 4) for name, seconds in stages.items()},
            "intervals": list(self.intervals),
            "peak_memory_mib": _mib(most_memory()),
            "cpu_seconds": round(self._looks.cpu_seconds - self._before, 4),
            "total_memory_mib": _mib(max((use.peak_memory for use in self.uses.values()), default=most_memory())),
            "stage_use": {
                name: {
                    "cpu_seconds": round(use.cpu_seconds, 4),
                    "total_memory_mib": _mib(use.peak_memory),
                    "peak_memory_mib": _mib(use.own_memory),
                }
                for name, use in self.uses.items()
            },
        }


def _mib(size: int) -> float:
    return round(size / 2**20, 1)
