"""Fitting the members of a walk-forward: the tasks, what is done when one fails, and the out-of-fold predictions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import FitError, plural
from quorate.execution.cache import FitCache
from quorate.execution.executor import LIMITS, Executor, Limits
from quorate.execution.fit import FitData, FitResult, FitTask, fit_seed
from quorate.execution.key import with_keys
from quorate.execution.progress import Progress
from quorate.execution.queue import Queue
from quorate.execution.watch import Watching
from quorate.plugins.registry import reference
from quorate.plugins.specs.learning import TASK, task_of
from quorate.statistics import Floats
from quorate.store.kept import KeptArrays
from quorate.walkforward.chains import chains_of
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.models import Keeping

Tasks = tuple[list[FitTask], FitData]


@dataclass(frozen=True)
class Expected:
    """What there is to fit, before it is.

    Parameters
    ----------
    fits : mapping of str to int
        Fits per model, those that are kept included.
    cached : int
        How many of all are kept from before.
    seconds : float
        What the others are thought to take together.
    guessed : bool
        Whether no fit of some model is known that tells how long its fits take.
    executor : str
        What they will run on.
    workers : int
        How many at a time; 0: not known before a cluster is joined.
    """

    fits: Mapping[str, int]
    cached: int
    seconds: float
    guessed: bool
    executor: str
    workers: int


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
    ) -> list[FitResult]:
        """Fit every member on these folds; the results are in task order, whatever order they arrived in.

        Parameters
        ----------
        meanwhile : callable
            Called once when all workers have something to do, or all fits were handed out.
        keep : bool
            Whether fitted models of these folds are kept, if any are.

        Raises
        ------
        FitError
            If the recipe stops at failures, for the first fit that failed, naming plugin, fold and reason; in
            any case, if no member is left on a fold.
        """
        expected = self._expected.pop((walk.dataset, tuple(walk.members), tuple(folds)), None)
        tasks, data = expected or self.tasks(walk, folds, keep)
        self.progress.fits(dict.fromkeys(walk.members, len(folds)), [fold.index for fold in folds])
        done: dict[tuple[str, int], FitResult] = {}
        asked = {(task.model, task.fold): task for task in tasks}

        def arrived(result: FitResult) -> None:
            task = asked[result.model, result.fold]
            if self.keeping and task.keep:
                self.keeping.take(walk, task, result)
                result = replace(result, kept=None)
            done[result.model, result.fold] = result
            if self.cache:
                _put(self.cache, task, result)
            self.results.append(result)
            self.finished += not result.error
            self.progress.fitted(result)
            if result.error and walk.recipe.on_failure == "stop":
                raise FitError(
                    f"{_who(walk, result)} failed on {_fold_text(walk, result)}: {_why(result)}\n"
                    "  to go on without a member where it fails: --set on_failure=drop"
                ) from RuntimeError(result.trace)

        kept = self.cache.find([t for t in tasks if _may_be_known(t)]) if self.cache else {}
        for task in tasks:
            if task.key in kept:
                arrived(replace(kept[task.key], model=task.model, fold=task.fold))
        missing = [task for task in tasks if task.key not in kept]
        if missing:
            self.progress.workers(self.executor.workers, self.executor.name)
            queue = Queue(data, missing, self.cache.rates() if self.cache else None)
            idle = min(max(self.executor.workers, 1), len(missing))

            def began(tasks: Sequence[FitTask]) -> None:
                nonlocal idle
                self.progress.began(tasks)
                idle -= 1
                if idle == 0 or not len(queue):
                    meanwhile()

            self.executor.run(data, queue, arrived, began, self.limits)
            # `auto` has chosen.
            self.progress.workers(self.executor.workers, self.executor.name)
            if self.cache:
                self.cache.flush()
        if self.keeping and keep:
            self.keeping.tell(self.progress)
        ordered = [done[task.model, task.fold] for task in tasks]
        _check_members(walk, folds, ordered)
        return ordered

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

    def tasks(self, walk: WalkForward, folds: Sequence[Fold], keep: bool = False) -> Tasks:
        """Return the fits of every member on these folds, with their keys, and the data that they read."""
        data = FitData(walk.dataset, tuple(folds))
        tasks = with_keys(fit_tasks(walk, folds, self.gpus(walk)), data)
        if self.watching:
            watched = self.watching.watched
            tasks = [watched(one) if walk.members[one.model].watched and not one.inline else one for one in tasks]
        return self.keeping.marked(walk, folds, tasks) if self.keeping and keep else tasks, data

    def gpus(self, walk: WalkForward) -> bool:
        """Return whether models that ask for a GPU get one, and tell of those that do not."""
        asking = [name for name, spec in walk.members.items() if spec.gpus]
        if not asking or self.executor.gpus():
            return bool(asking)
        self.progress.note(f"there is no GPU: fitted on the CPU: {', '.join(asking)}")
        return False


def fit_tasks(walk: WalkForward, folds: Sequence[Fold], gpus: bool = False) -> list[FitTask]:
    """Return one task per member and fold; with `gpus`, models that ask for a GPU get one."""
    tasks: list[FitTask] = []
    for name, spec in walk.members.items():
        model = walk.recipe.models[name]
        assert model
        told = {TASK: task_of(walk.binary)} if spec.task == "any" else {}
        on_gpu = gpus and spec.gpus > 0
        chains = chains_of(walk.recipe, walk.registry, walk.dataset.feature_names, spec)
        tasks += [
            FitTask(
                model=name,
                fold=fold.index,
                plugin=reference(walk.registry, "model", spec.name),
                params={**model.options, **told},
                seed=fit_seed(walk.recipe.seed, name),
                threads=spec.cpus,
                binary=walk.binary,
                steps=walk.dataset.steps,
                step=walk.recipe.labels.horizon if walk.dataset.steps else 0,
                device="cuda" if on_gpu else "cpu",
                gpus=spec.gpus if on_gpu else 0.0,
                memory=int(spec.memory * 2**30),
                together=spec.together is not None and (spec.steps or not walk.dataset.steps),
                transforms=chains,
            )
            for fold in folds
        ]
    return tasks


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


def _check_members(walk: WalkForward, folds: Sequence[Fold], results: Sequence[FitResult]) -> None:
    """Raise `FitError`, if no member is left on a fold."""
    lost: dict[int, list[FitResult]] = defaultdict(list)
    for result in results:
        if result.error and result.model in walk.voting:
            lost[result.fold].append(result)
    for fold in folds:
        if len(lost[fold.index]) == len(walk.voting):
            first = lost[fold.index][0]
            raise FitError(
                f"no member is left on {_fold_text(walk, first)}: {_who(walk, first)} failed: {_why(first)}"
            ) from RuntimeError(first.trace)


def failures(walk: WalkForward, results: Sequence[FitResult]) -> list[dict[str, Any]]:
    """Return the fits that failed, as plain data: model, plugin, version, fold, its first bar, and the reason."""
    rows = []
    for result in results:
        if result.error:
            provider = walk.registry.find("model", walk.members[result.model].name).provider
            rows.append(
                {
                    "model": result.model,
                    "plugin": str(provider),
                    "version": provider.version or (provider.local.sha256[:12] if provider.local else None),
                    "fold": result.fold,
                    "test_first": str(walk.bars.sessions[_fold(walk, result).first]),
                    "train_rows": result.n_train,
                    "reason": " ".join(result.error.split()),
                }
            )
    return rows


def failures_by_model(walk: WalkForward, results: Sequence[FitResult]) -> dict[str, list[dict[str, Any]]]:
    """Return `failures` of each model that has some."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for failed in failures(walk, results):
        found[failed["model"]].append(failed)
    return found


def _fold(walk: WalkForward, result: FitResult) -> Fold:
    return next(fold for fold in walk.folds if fold.index == result.fold)


def _fold_text(walk: WalkForward, result: FitResult) -> str:
    fold = _fold(walk, result)
    span = walk.bars.take(fold.first, fold.stop).span
    return f"fold {result.fold} (predicting {span}, {plural(result.n_train, 'training row')})"


def _why(result: FitResult) -> str:
    # How a process ended is a note: it is not the same wherever the fit runs.
    detail = f": {result.notes[0]}" if result.notes and (not result.trace or "MemoryError" in result.trace) else ""
    return " ".join(f"{result.error}{detail}".split())


def _who(walk: WalkForward, result: FitResult) -> str:
    provider = walk.registry.find("model", walk.members[result.model].name).provider
    version = f", sha256 {provider.local.sha256[:8]}" if provider.local else ""
    return f"model {result.model!r} ({provider}{version})"


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
