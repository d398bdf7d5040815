"""Fits that go on from that of the fold before: which these are, their keys, and what each begins with."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from quorate.dataset.folds import Fold, audit_starts, before_of
from quorate.errors import IntegrityError
from quorate.execution.executor import Done
from quorate.execution.queue import Queue
from quorate.execution.stack import lost_fit
from quorate.execution.state import State
from quorate.execution.task import FitData, FitResult, FitTask, Which
from quorate.store.models import KeptModels
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.tasks import fit_data

REMEMBERED = 32  # states that are at hand without a home
GOES_ON = "it goes on from fold"


class Start(NamedTuple):
    """What a model goes on from: the key of a fit, and what was learnt there."""

    key: str
    state: State


Starts = Mapping[tuple[str, int], Start]  # by model and replicate
NOTHING: Starts = {}
Plain = Callable[[WalkForward], list[FitTask]]


def warm_of(walk: WalkForward) -> list[str]:
    """Return the members that go on from the fold before."""
    models = walk.recipe.models
    return [name for name in walk.members if (model := models[name]) and model.warm_start]


def chained(walk: WalkForward, tasks: Sequence[FitTask], plain: Plain, given: Starts = NOTHING) -> list[FitTask]:
    """Return tasks with keys, those that go on from another fit with the key of that in their own.

    Parameters
    ----------
    plain : callable
        Returns the tasks of a walk-forward on all its folds, with keys, as if each began afresh.
    given : mapping to Start
        What models go on from that is no fold of this walk-forward.

    Raises
    ------
    IntegrityError
        If what a fold goes on from knows what the fold is to predict.
    """
    if not warm_of(walk):
        return list(tasks)
    starts = starts_of(walk)
    before = {task.which: task.key for task in chains(walk, plain, starts)} if starts else {}
    found = []
    for task in tasks:
        if own := given.get((task.model, task.replicate)):
            task = _after(task, own.key)
        elif task.fold in starts and (key := before.get(_at(task, starts[task.fold]))):
            task = _after(task, key)
        found.append(task)
    return found


def chains(walk: WalkForward, plain: Plain, starts: Mapping[int, Fold]) -> list[FitTask]:
    """Return the fits of all members that go on from the fold before, on all folds of a walk-forward."""
    found: dict[Which, FitTask] = {}
    for task in plain(replace(walk, members={name: walk.members[name] for name in warm_of(walk)})):
        before = starts.get(task.fold)
        found[task.which] = _after(task, found[_at(task, before)].key) if before else task
    return list(found.values())


def starts_of(walk: WalkForward) -> dict[int, Fold]:
    """Return by fold the one that models may go on from there; some begin afresh.

    Raises
    ------
    IntegrityError
        If what a fold goes on from knows what the fold is to predict.
    """
    dataset, embargo = walk.dataset, walk.recipe.folds.embargo
    starts = before_of(walk.folds, dataset.learnt_end, embargo)
    audit_starts(walk.folds, starts, dataset.bar, dataset.learnt_end, embargo)
    return starts


def _at(task: FitTask, fold: Fold) -> Which:
    """Return which fit is the same model and seed on another fold."""
    return task.model, fold.index, task.replicate


def _after(task: FitTask, key: str) -> FitTask:
    return replace(task, after=key, key=hashlib.sha256(f"{task.key}|{key}".encode()).hexdigest())


def aside(number: int) -> int:
    """Return by which number a fold goes that is fitted for others to go on from alone, and the other way round."""
    return -1 - number


def at_own_fold(task: FitTask) -> FitTask:
    """Return a task with the number that its fold has in the walk-forward."""
    return task if task.fold >= 0 else replace(task, fold=aside(task.fold))


def going_on(queue: Queue, data: FitData, tasks: Sequence[FitTask], arrived: Done) -> Done:
    """Return what hears of each fit that is done: it passes it on, and hands out what goes on from it.

    Of one that failed it passes on all that cannot begin without it. What goes on from a fit that was computed on
    another kind of processor is itself as good as computed there.
    """
    after, foreign = {task.which: task.after for task in tasks}, set[str]()

    def ended(result: FitResult) -> None:
        results = [result]
        for one in results:  # which grows
            if one.foreign or after[one.which] in foreign:
                foreign.add(one.key)
                one = replace(one, foreign=True)
            arrived(one)
            results += [lost_fit(task, data, _why(one), 0.0) for task in queue.go_on(one)]

    return ended


def _why(result: FitResult) -> str:
    """Return why what goes on from a fit cannot be fitted."""
    if result.error.startswith(GOES_ON):
        return result.error
    number = result.fold if result.fold >= 0 else aside(result.fold)
    if result.error:
        return f"{GOES_ON} {number}, whose fit failed: {result.error}"
    return f"{GOES_ON} {number}, and what that learnt cannot be kept: {result.kept}"


@dataclass(eq=False)
class States:
    """What the models of fits have learnt that others go on from, by key.

    Parameters
    ----------
    models : KeptModels, optional
        The home's; without, there are but the latest ones.
    warn : callable
        Hears of kept ones that are damaged.
    """

    models: KeptModels | None
    warn: Callable[[str], None]
    _latest: OrderedDict[str, State] = field(default_factory=OrderedDict)

    def put(self, result: FitResult) -> None:
        """Remember what a fit that is done has learnt, if it tells."""
        if isinstance(result.kept, State) and not result.foreign:
            self._latest[result.key] = result.kept
            while len(self._latest) > REMEMBERED:
                self._latest.popitem(last=False)

    def get(self, key: str) -> State | None:
        """Return what was learnt in a fit; None, if that is not known."""
        if key in self._latest or self.models is None:
            return self._latest.get(key)
        try:
            kept = self.models.get(key)
        except IntegrityError as e:
            self.warn(f"{e}")
            return None
        return State(kept.arrays, kept.values) if kept else None

    def begun(
        self,
        walk: WalkForward,
        data: FitData,
        missing: Sequence[FitTask],
        plain: Plain,
        given: Starts,
    ) -> tuple[list[FitTask], FitData]:
        """Return what has to be fitted, with what it begins with as far as that is known, and the data that it reads.

        That is what is missing, and what this goes on from and nobody knows, whose folds have the numbers that `aside`
        gives. What others go on from is told to keep what it learns.

        Parameters
        ----------
        missing : sequence of FitTask
            Of what was asked for.
        plain, given
            As of `chained`.
        """
        states = {start.key: start.state for start in given.values()}
        every: dict[str, FitTask] = {}
        found, chosen = list(missing), {task.key for task in missing}
        for place, task in enumerate(found):  # which grows
            if not task.after:
                continue
            state = states.get(task.after) or self.get(task.after)
            found[place] = replace(task, start=state)
            if state is None and task.after not in chosen:
                if not every:
                    whole = chains(walk, plain, starts_of(walk))
                    every = {one.key: replace(one, fold=aside(one.fold)) for one in whole}
                found.append(every[task.after])
                chosen.add(task.after)
        wanted = {task.after for task in found if task.after and task.start is None}
        found = [replace(task, keep=True) if task.key in wanted else task for task in found]
        folds = {task.fold for task in found}
        earlier = fit_data(walk, [fold for fold in walk.folds if aside(fold.index) in folds]).folds
        more = [replace(fold, index=aside(fold.index)) for fold in earlier]
        return found, FitData(data.dataset, (*data.folds, *more))
