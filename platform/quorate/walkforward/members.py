"""Fitting the members of a walk-forward, and the out-of-fold predictions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.ensemble.within import WITHIN, within_bars
from quorate.errors import plural
from quorate.execution.cache import FitCache
from quorate.execution.executor import LIMITS, Executor, Limits
from quorate.execution.key import with_keys
from quorate.execution.outputs import SHUFFLED
from quorate.execution.progress import Progress
from quorate.execution.queue import Queue
from quorate.execution.task import FitData, FitResult, FitTask, Which
from quorate.execution.watch import Watching
from quorate.statistics import Floats
from quorate.store.kept import KeptArrays
from quorate.walkforward.distribution import MEDIAN
from quorate.walkforward.expected import Expected
from quorate.walkforward.failures import check_members, stopped
from quorate.walkforward.held_out import parted
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.models import Keeping
from quorate.walkforward.seeds import means
from quorate.walkforward.tasks import fit_data, fit_tasks, plain_tasks
from quorate.walkforward.warm import NOTHING, Starts, States, at_own_fold, chained, going_on, warm_of

Tasks = tuple[list[FitTask], FitData]


@dataclass
class Fitting:
    """Where the fits of a run are done, and where finished ones are kept.

    Parameters
    ----------
    executor : Executor
        Runs what was not computed before.
    progress : Progress
        Hears of every fit.
    cache : FitCache, optional
        Finished fits of this home; without, everything is computed.
    arrays : KeptArrays, optional
        Features and accounts of this home.
    limits : Limits
        What one fit may take.
    keeping : Keeping, optional
        Which fitted models are kept; without, none is.
    states : States
        What models go on from.
    watching : Watching, optional
        Where trainings keep where they stand; without, none does.
    results : list of FitResult
        What is done so far, whatever becomes of the run.
    finished : int
        How many fits are done that did not fail.
    over : callable
        To be called when all fits of a part are done: what follows needs no worker.
    """

    executor: Executor
    progress: Progress
    cache: FitCache | None = None
    arrays: KeptArrays | None = None
    limits: Limits = LIMITS
    keeping: Keeping | None = None
    states: States = field(default_factory=lambda: States(None, print))
    watching: Watching | None = None
    results: list[FitResult] = field(default_factory=list)
    finished: int = 0
    over: Callable[[], None] = lambda: None
    _expected: dict[tuple[Dataset, tuple[str, ...], tuple[Fold, ...]], Tasks] = field(default_factory=dict)

    def run(
        self,
        walk: WalkForward,
        folds: Sequence[Fold],
        meanwhile: Callable[[], None] = lambda: None,
        *,
        keep: bool = False,
        starts: Starts = NOTHING,
        in_sample: bool = True,
    ) -> list[FitResult]:
        """Fit every member on these folds; the results are in their order, whatever order they arrived in.

        A member that has several seeds is fitted with each; its result is their mean, see `quorate.walkforward.seeds`.
        Where the recipe brings members to one scale within the bar, forecasts are of that scale.

        Parameters
        ----------
        meanwhile : callable
            Called once when all workers have something to do, or all fits were handed out.
        keep, in_sample : bool
            Whether fitted models of these folds are kept, if any are, and whether they are asked of training rows.
        starts : mapping of str to Start
            What models go on from that is no fold of the walk-forward.

        Raises
        ------
        FitError
            If the recipe stops at failures, for the first fit that failed, naming plugin, fold and reason; in
            any case, if no member is left on a fold.
        """
        expected = self._expected.pop((walk.dataset, tuple(walk.members), tuple(folds)), None)
        tasks, data = expected or self.tasks(walk, folds, keep, starts)
        tasks = tasks if in_sample else [replace(task, in_sample=False) for task in tasks]
        self.progress.fits(Counter(task.model for task in tasks), [fold.index for fold in folds])
        done, asked = dict[Which, FitResult](), {task.which: task for task in tasks}

        def arrived(result: FitResult) -> None:
            task = asked[result.which]
            result = self._taken(walk, task, result, keep)
            done[result.which] = result
            if self.cache:
                _put(self.cache, task, result)
            if result.fold < 0:
                return
            self.results.append(result)
            self.finished += not result.error
            self.progress.fitted(result)
            if result.error and walk.recipe.on_failure == "stop":
                raise stopped(walk, result) from RuntimeError(result.trace)

        kept = self.cache.find([t for t in tasks if _may_be_known(t)]) if self.cache else {}
        for task in tasks:
            if task.key in kept:
                arrived(replace(kept[task.key], model=task.model, fold=task.fold, replicate=task.replicate))
        if missing := [task for task in tasks if task.key not in kept]:
            missing, data = self._begun(walk, data, missing, starts, keep)
            asked.update({task.which: task for task in missing})
            self.progress.workers(self.executor.workers, self.executor.name)
            queue = Queue(data, missing, self.cache.rates() if self.cache else None)
            idle = min(max(self.executor.workers, 1), len(missing))

            def began(tasks: Sequence[FitTask]) -> None:
                nonlocal idle
                self.progress.began([task for task in tasks if task.fold >= 0])
                idle -= 1
                if idle == 0 or not len(queue):
                    meanwhile()

            self.executor.run(data, queue, going_on(queue, data, missing, arrived), began, self.limits)
            # `auto` has chosen.
            self.progress.workers(self.executor.workers, self.executor.name)
            if self.cache:
                self.cache.flush()
        if self.keeping and keep:
            self.keeping.tell(self.progress)
        of, fits = {fold.index: fold for fold in folds}, means(done[task.which] for task in tasks)
        ordered = [as_judged(walk, one, of[one.fold]) for one in parted(walk.unseen, folds, fits)]
        check_members(walk, folds, ordered)
        return ordered

    def _begun(self, walk: WalkForward, data: FitData, missing: Sequence[FitTask], starts: Starts, keep: bool) -> Tasks:
        """Return what has to be fitted, and what that reads: also earlier folds that others go on from."""
        plain = partial(plain_tasks, gpus=any(task.gpus for task in missing))
        tasks, data = self.states.begun(walk, data, missing, plain, starts)
        if told := sum(task.fold < 0 for task in tasks):
            self.progress.note(f"{plural(told, 'fit')} of earlier folds, whose models are gone on from and not kept")
        if self.keeping and keep:  # also the last, which a forecast goes on from
            tasks = [replace(task, keep=task.keep or task.model in warm_of(walk)) for task in tasks]
        return tasks, data

    def _taken(self, walk: WalkForward, task: FitTask, result: FitResult, keep: bool) -> FitResult:
        """Take what a fit has learnt where that is wanted, and return the result without."""
        if not task.keep:
            return result
        if task.model in warm_of(walk):
            self.states.put(result)
        if self.keeping and keep and not task.inline:
            self.keeping.take(walk, at_own_fold(task), result)
        return replace(result, kept=None)

    def expect(self, work: Sequence[tuple[WalkForward, Sequence[Fold]]]) -> Expected:
        """Return what there will be to do for these; `run` is to be called for each of them next.

        Fitted models of the first of them are kept, if any are.
        """
        rates = self.cache.rates() if self.cache else None
        fits: Counter[str] = Counter()
        kept, queues = 0, []
        for place, (walk, folds) in enumerate(work):
            tasks, data = self.tasks(walk, folds, keep=not place)
            self._expected[walk.dataset, tuple(walk.members), tuple(folds)] = tasks, data
            known = self.cache.known([t for t in tasks if _may_be_known(t)]) if self.cache else set()
            missing = [task for task in tasks if task.key not in known]
            fits.update(task.model for task in tasks)
            kept += len(tasks) - len(missing)
            queues.append(Queue(data, missing, rates))
        seconds = [queue.seconds() for queue in queues]
        gpus = any(task.gpus for queue in queues for task in queue.tasks)
        name, workers = self.executor.expected(max(seconds), gpus)
        guessed = any(queue.guessed for queue in queues)
        return Expected(dict(fits), kept, sum(seconds) / max(workers, 1), guessed, name, workers)

    def tasks(self, walk: WalkForward, folds: Sequence[Fold], keep: bool = False, starts: Starts = NOTHING) -> Tasks:
        """Return the fits of every member on these folds, with their keys, and the data that they read."""
        data, gpus = fit_data(walk, folds), self.gpus(walk)
        tasks = with_keys(fit_tasks(walk, folds, gpus), data)
        tasks = chained(walk, tasks, partial(plain_tasks, gpus=gpus), starts)
        if self.watching:
            watched = self.watching.watched
            tasks = [watched(one) if walk.members[one.model].watched and not one.inline else one for one in tasks]
        return self.keeping.marked(walk, folds, tasks) if self.keeping and keep else tasks, data

    def gpus(self, walk: WalkForward) -> bool:
        """Return whether models that ask for a GPU get one, and tell of those that do not."""
        asking = {name: spec for name, spec in walk.members.items() if spec.wants_gpu}
        if not asking or self.executor.gpus():
            return bool(asking)
        if left := [name for name, spec in asking.items() if spec.device != "cuda"]:  # who insists will fail
            self.progress.note(f"there is no GPU: fitted on the CPU: {', '.join(left)}")
        return False


def as_judged(walk: WalkForward, result: FitResult, fold: Fold) -> FitResult:
    """Return a fit whose forecasts of a fold's rows, of all symbols at their bars, are as they are combined and judged.

    That is as they are, but where the recipe's ``ensemble.calibration`` brings members to one scale within the bar.
    """
    calibration, spec = walk.recipe.ensemble.calibration, walk.members.get(result.model)
    if calibration not in WITHIN or result.error or (spec is not None and spec.baseline):
        return result
    bar, unseen = walk.dataset.bar[fold.test], result.unseen
    if walk.unseen is not None and len(unseen):
        unseen = within_bars(calibration, unseen, walk.unseen.dataset.bar[walk.unseen.rows(fold)])
    outputs = {
        name: within_bars(calibration, values, bar) if name.startswith(SHUFFLED) else values
        for name, values in result.outputs.items()
    }
    others = result.unseen_outputs
    if spec is not None and walk.learnt(result.model).prediction == MEDIAN:  # as it is, among the other quantiles
        outputs, others = {**outputs, MEDIAN: result.predictions}, {**others, MEDIAN: result.unseen}
    return replace(
        result,
        predictions=within_bars(calibration, result.predictions, bar),
        outputs=outputs,
        unseen=unseen,
        unseen_outputs=others,
        replicates=tuple(as_judged(walk, one, fold) for one in result.replicates),
    )


def _put(cache: FitCache, task: FitTask, result: FitResult) -> None:
    """Keep a fit that is done; its checkpoints are then needed no more."""
    # An inline plugin may hold what no key can tell.
    if not (result.cached or result.foreign or result.error or task.inline):
        cache.put(result, task.plugin.name)
    if task.watch and task.watch.folder and task.watch.folder.exists():
        cache.flush()
        task.watch.done()


def _may_be_known(task: FitTask) -> bool:
    """Say whether a finished fit will do: not of an inline plugin, nor where a model is wanted that is not kept."""
    return not task.inline and not task.keep


def collect(walk: WalkForward, results: Sequence[FitResult], earlier: Floats | None = None) -> Floats:
    """Return out-of-fold predictions, (n_rows, n_members), NaN where there is none.

    `earlier` holds those of the first rows, from an earlier part of the same walk-forward.
    """
    names = list(walk.members)
    predictions = np.full((len(walk.dataset), len(names)), np.nan)
    if earlier is not None:
        predictions[: len(earlier)] = earlier
    by_index = {fold.index: fold for fold in walk.folds}
    for result in results:
        predictions[by_index[result.fold].test, names.index(result.model)] = result.predictions
    return predictions
