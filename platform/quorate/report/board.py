"""The count of a run's fits, for whoever shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quorate.execution.progress import CACHED, DONE, FAILED, RUNNING, WAITING, Progress, finished

if TYPE_CHECKING:
    from quorate.execution.task import FitResult, FitTask

Name = tuple[str, int] | tuple[str, int, int]  # of a fit: its model and its fold; of several seeds which, too


class Board(Progress):
    """Keeps count of what was heard, for whoever shows it; an event costs the same however many fits there are.

    Parameters
    ----------
    clock : callable, optional
        Returns the time in seconds, on any scale: of a run that is heard of by its log the log's own.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.clock = clock or time.monotonic
        self.start = self.clock()
        self.slots = 0
        self.states: dict[str, bytearray] = {}
        self.counts: dict[str, list[int]] = {}  # per model, how many fits are in each state
        self._fold: dict[int, int] = {}
        self._of_seed: dict[Name, int] = {}  # states of the fits of models with several seeds: one mark shows them all
        self.seats: list[dict[Name, None]] = []  # what was handed out together, each as long as any of it is left
        self._batches: dict[Name, dict[Name, None]] = {}
        self._running: dict[Name, float] = {}
        self._first: float | None = None
        self._spent: dict[str, tuple[int, float]] = {}  # per model, fits that were computed, and their seconds

    def planned(self, plan: Mapping[str, Any]) -> None:
        """Tell what is to be fitted, and what looks wrong with it."""
        from quorate.report.views.plan import line

        self.note(line(plan))
        for doubt in plan["doubts"]:
            self.warn(doubt)

    def fits(self, totals: Mapping[str, int], folds: Sequence[int] = ()) -> None:
        """Begin to count."""
        folds = folds or range(max(totals.values(), default=0))
        self._fold = {fold: i for i, fold in enumerate(folds)}
        self._of_seed = {}
        self.states = {model: bytearray([WAITING]) * len(folds) for model in totals}
        self.counts = {model: [0, 0, total, 0, 0] for model, total in totals.items()}
        self.seats, self._batches, self._running, self._spent, self._first = [], {}, {}, {}, None

    def workers(self, count: int, executor: str = "") -> None:
        """Note how many may run at a time."""
        self.slots = count

    def began(self, tasks: Sequence[FitTask]) -> None:
        """Note a batch; its fits run one after the other."""
        self.handed(self._name(task) for task in tasks)

    def handed(self, fits: Iterable[Name]) -> None:
        """Note a batch by the names of its fits."""
        batch = dict.fromkeys(fits)
        for fit in batch:
            self._leave(fit)
            self._batches[fit] = batch
        if batch:
            free = next((i for i, other in enumerate(self.seats) if not other), len(self.seats))
            self.seats[free : free + 1] = [batch]
            self._next(batch)

    def fitted(self, result: FitResult) -> None:
        """Count a fit."""
        self.came(self._name(result), result.cached, result.seconds, bool(result.error))

    def _name(self, fit: FitTask | FitResult) -> Name:
        return fit.which if fit.replicate else (fit.model, fit.fold)

    def came(self, fit: Name, cached: bool, took: float, failed: bool) -> None:
        """Count a fit by its name, and the seconds that it took."""
        batch = self._batches.get(fit)
        self._leave(fit)
        self._mark(fit, FAILED if failed else CACHED if cached else DONE)
        if not cached:
            n, seconds = self._spent.get(fit[0], (0, 0.0))
            self._spent[fit[0]] = n + 1, seconds + took
            if self._first is None:
                self._first = self.clock() - took
        if batch:
            self._next(batch)

    def _next(self, batch: dict[Name, None]) -> None:
        fit = next(iter(batch))
        if fit not in self._running:
            self._running[fit] = self.clock()
            self._first = self._first or self._running[fit]
            self._mark(fit, RUNNING)

    def _leave(self, fit: Name) -> None:
        """Take a fit out of the batch that it was in; it waits, if it ran."""
        batch = self._batches.pop(fit, None)
        if batch is not None:
            del batch[fit]
        if self._running.pop(fit, None) is not None:
            self._mark(fit, WAITING)

    def _mark(self, fit: Name, state: int) -> None:
        model, fold = fit[:2]
        i = self._fold.get(fold)
        if i is not None:
            counts, states = self.counts[model], self.states[model]
            seeds = sum(counts) // len(states)
            counts[self._of_seed.get(fit, WAITING) if seeds > 1 else states[i]] -= 1
            counts[state] += 1
            states[i] = state
            if seeds > 1:
                self._of_seed[fit] = state
                others = [self._of_seed.get((model, fold, k), WAITING) for k in range(1, seeds)]
                states[i] = max(self._of_seed.get((model, fold), WAITING), *others)

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

    def at(self, seat: int) -> tuple[str, int, float] | None:
        """Return the model and fold that are fitted at a seat, and for how many seconds; None, if nothing is."""
        batch = self.seats[seat] if seat < len(self.seats) else {}
        fit = next(iter(batch), None)
        return fit and (*fit[:2], self.clock() - self._running.get(fit, self.clock()))

    def count(self, state: int) -> int:
        """Return how many fits are in a state."""
        return sum(counts[state] for counts in self.counts.values())

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.start

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
        now = self.clock()
        running = sum(now - start for start in list(self._running.values()))
        left = -running
        for model, counts in self.counts.items():
            m, of_model = spent.get(model, (n, seconds))
            left += (sum(counts) - finished(counts)) * of_model / m
        return max(left, 0.0) * (now - self._first) / max(seconds + running, 1e-9)
