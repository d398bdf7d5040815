"""What a run tells while it goes on; the terminal and the run's log implement it, tests and notebooks need not."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quorate.execution.fit import FitResult, FitTask

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

    def fits(self, totals: Mapping[str, int], folds: Sequence[int] = ()) -> None:
        """Hear how many fits per model are to come, and on which folds."""

    def workers(self, count: int, executor: str = "") -> None:
        """Hear how many fits may run at a time, and what runs them."""

    def began(self, tasks: Sequence[FitTask]) -> None:
        """Hear that fits were handed out together; one that was lost may be handed out again."""

    def fitted(self, result: FitResult) -> None:
        """Hear that a fit is done."""

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


class Board(Progress):
    """Keeps count of what was heard, for whoever shows it; an event costs the same however many fits there are."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.slots = 0
        self.states: dict[str, bytearray] = {}
        self.counts: dict[str, list[int]] = {}  # per model, how many fits are in each state
        self._fold: dict[int, int] = {}
        self._batches: dict[tuple[str, int], dict[tuple[str, int], None]] = {}
        self._running: dict[tuple[str, int], float] = {}
        self._first: float | None = None
        self._spent: dict[str, tuple[int, float]] = {}  # per model, fits that were computed, and their seconds

    def fits(self, totals: Mapping[str, int], folds: Sequence[int] = ()) -> None:
        """Begin to count."""
        folds = folds or range(max(totals.values(), default=0))
        self._fold = {fold: i for i, fold in enumerate(folds)}
        self.states = {model: bytearray([WAITING]) * len(folds) for model in totals}
        self.counts = {model: [0, 0, total, 0, 0] for model, total in totals.items()}
        self._batches, self._running, self._spent, self._first = {}, {}, {}, None

    def workers(self, count: int, executor: str = "") -> None:
        """Note how many may run at a time."""
        self.slots = count

    def began(self, tasks: Sequence[FitTask]) -> None:
        """Note a batch; its fits run one after the other."""
        batch = {(task.model, task.fold): None for task in tasks}
        for fit in batch:
            self._leave(fit)
            self._batches[fit] = batch
        self._next(batch)

    def fitted(self, result: FitResult) -> None:
        """Count a fit."""
        fit = result.model, result.fold
        batch = self._batches.get(fit)
        self._leave(fit)
        self._mark(fit, FAILED if result.error else CACHED if result.cached else DONE)
        if not result.cached:
            n, seconds = self._spent.get(result.model, (0, 0.0))
            self._spent[result.model] = n + 1, seconds + result.seconds
            if self._first is None:
                self._first = time.monotonic() - result.seconds
        if batch:
            self._next(batch)

    def _next(self, batch: dict[tuple[str, int], None]) -> None:
        fit = next(iter(batch))
        if fit not in self._running:
            self._running[fit] = time.monotonic()
            self._first = self._first or self._running[fit]
            self._mark(fit, RUNNING)

    def _leave(self, fit: tuple[str, int]) -> None:
        """Take a fit out of the batch that it was in; it waits, if it ran."""
        batch = self._batches.pop(fit, None)
        if batch is not None:
            del batch[fit]
        if self._running.pop(fit, None) is not None:
            self._mark(fit, WAITING)

    def _mark(self, fit: tuple[str, int], state: int) -> None:
        model, fold = fit
        i = self._fold.get(fold)
        if i is not None:
            counts, states = self.counts[model], self.states[model]
            counts[states[i]] -= 1
            counts[state] += 1
            states[i] = state

    @property
    def total(self) -> int:
        """How many fits there are."""
        return sum(map(sum, self.counts.values()))

    @property
    def done(self) -> int:
        """How many are done, in whatever way."""
        return sum(map(finished, self.counts.values()))

    @property
    def busy(self) -> int:
        """How many workers have a fit."""
        return min(len(self._running), self.slots) if self.slots else len(self._running)

    def count(self, state: int) -> int:
        """Return how many fits are in a state."""
        return sum(counts[state] for counts in self.counts.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.start

    @property
    def eta(self) -> float | None:
        """Seconds that the rest of the fits will take; None while nothing tells.

        From the mean time of each model's fits, and how many ran side by side so far. What runs now counts
        as far as it has come; what was cached says nothing about the rest.
        """
        spent = dict(self._spent)
        n, seconds = (sum(column) for column in zip(*spent.values(), strict=True)) if spent else (0, 0.0)
        if self.done == self.total:
            return 0.0
        if not n or self._first is None:
            return None
        now = time.monotonic()
        running = sum(now - start for start in list(self._running.values()))
        left = -running
        for model, counts in self.counts.items():
            m, of_model = spent.get(model, (n, seconds))
            left += (sum(counts) - finished(counts)) * of_model / m
        return max(left, 0.0) * (now - self._first) / max(seconds + running, 1e-9)


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
        self._start = time.perf_counter()
        self.intervals: list[dict[str, Any]] = []
        if progress.since is not None:
            passed = max(time.time() - progress.since, 0.0)
            self._start -= passed
            self._over("start", progress.since, passed)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        self.progress.stage(name)
        began, start = time.time(), time.perf_counter()
        try:
            yield
        finally:
            self._over(name, began, time.perf_counter() - start)

    def _over(self, name: str, began: float, seconds: float) -> None:
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
        """Return seconds per stage and in all, when each was, and peak memory of this process in MiB."""
        total, stages = time.perf_counter() - self._start, self.stages
        stages["other"] = max(total - sum(stages.values()), 0.0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        return {
            "seconds": round(total, 4),
            "stages": {name: round(seconds, 4) for name, seconds in stages.items()},
            "intervals": list(self.intervals),
            "peak_memory_mib": round(peak, 1),
        }


def process_start() -> float:
    """Return when this process started, in seconds since 1970, to 10 ms; now, where that cannot be told."""
    try:
        ticks = int(Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()[19])
        return time.time() - max(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), 0.0)
    except (AttributeError, OSError, ValueError, IndexError):
        return time.time()


def used_memory() -> int:
    """Return the bytes that this process and all below it use, shared ones once; 0 where that cannot be told."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            below.setdefault(int(parent), []).append(int(entry.name))
    pages, left = 0, [os.getpid()]
    while left:
        pid = left.pop()
        left += below.get(pid, [])
        with suppress(OSError, ValueError):
            resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[1:3])
            pages += resident if pid == os.getpid() else resident - shared
    return pages * os.sysconf("SC_PAGE_SIZE")
