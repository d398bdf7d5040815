"""Having the trials of a sweep fitted: the fits of all models and trials in one queue, on whatever runs fits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from quorate.errors import FitError
from quorate.execution.fit import FitData, FitResult, FitTask, fit_seed
from quorate.execution.key import Keys
from quorate.execution.progress import Progress
from quorate.execution.queue import Queue, Resources
from quorate.recipe.schema import Recipe
from quorate.statistics import Floats
from quorate.sweeps.losses import fold_loss
from quorate.sweeps.price import standing
from quorate.sweeps.sampling import Sampler
from quorate.sweeps.search import REFERENCE, Rules, Search
from quorate.sweeps.space import Space
from quorate.sweeps.study import Study
from quorate.sweeps.trial import Trial
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting, fit_tasks

Place = tuple[str, int, int]  # model, trial, fold
MANY = 1 << 20  # fits: more than there are workers anywhere


@dataclass(frozen=True)
class Limits:
    """When a sweep hands out nothing more; 0 is never.

    Parameters
    ----------
    seconds : float
        Wall time from its beginning.
    cost : float
        Processor seconds of its fits.
    """

    seconds: float = 0.0
    cost: float = 0.0


class TrialQueue(Queue):
    """The fits of trials, each made when there is room for it: what came of the others decides what it is.

    Parameters
    ----------
    data : FitData
        The inner folds.
    tasks : sequence of FitTask
        One for each model and fold, as the recipe has it: what a trial changes of them are the parameters.
    more : callable
        Returns the next fit, or None, if there is none now.
    trials : int
        How many trials there will be of each model.
    """

    def __init__(
        self,
        data: FitData,
        tasks: Sequence[FitTask],
        more: Callable[[], FitTask | None],
        trials: int,
        rates: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(data, tasks, rates)
        self._much = super().seconds() * trials
        self._waiting.clear()
        self._more = more
        self._ready: list[FitTask] = []

    def _look(self) -> bool:
        if not self._ready and not self._alone and (task := self._more()) is not None:
            self._ready.append(task)
        return bool(self._ready or self._alone)

    def __len__(self) -> int:
        """Return a large number, if one waits: how many will follow is not known."""
        return MANY if self._look() else 0

    def seconds(self) -> float:
        """Return the seconds that all trials take one after the other, if none is stopped early."""
        return self._much

    def take(self, room: Resources) -> list[FitTask]:
        """Return the next fit, if there is room for it."""
        for tasks in (self._alone, self._ready):
            if (tasks is self._alone or self._look()) and tasks and room.holds(Resources.of(tasks[-1], self.share)):
                return [tasks.pop()]
        return []

    def take_all(self) -> list[FitTask]:
        """Return the next fit: also the only worker is told what to do one by one."""
        return [self._ready.pop()] if self._look() and self._ready else []

    def take_inline(self) -> list[FitTask]:
        """Return nothing: plugins that only this process knows are refused before."""
        return []


class Tuner:
    """The searches of a sweep on their way.

    Parameters
    ----------
    walk : WalkForward
        The inner one; its members are those that are tuned.
    searches : mapping of str to Search
        By member.
    fitting : Fitting
        Where fits are done, and kept.
    limits : Limits
        When nothing more is handed out.
    """

    def __init__(self, walk: WalkForward, searches: Mapping[str, Search], fitting: Fitting, limits: Limits) -> None:
        self.walk, self.searches, self.fitting, self.limits = walk, searches, fitting, limits
        self.fitted = self.cached = 0
        self.cost = 0.0
        self.stopped = ""  # why it ended before all trials were done
        self._began = time.monotonic()
        self._data = FitData(walk.dataset, tuple(walk.folds))
        self._keys = Keys(self._data)
        self._plain = {(t.model, t.fold): t for t in fit_tasks(walk, walk.folds, fitting.gpus(walk))}
        self._places: dict[tuple[str, int], Place] = {}
        self._turn = self._order()
        self._unkept: dict[str, Floats] = {}  # predictions by key, where no cache has them

    def run(self) -> None:
        """Fit until every search is finished, or a limit is reached.

        Raises
        ------
        FitError
            If a model fails with the recipe's own parameters, or too often.
        """
        for model, search in self.searches.items():
            search.decide()  # what is known from before
            search.keep()
            self._check(model, search)
        cache = self.fitting.cache
        trials = max(search.rules.trials for search in self.searches.values())
        rates = cache.rates() if cache else None
        queue = TrialQueue(self._data, list(self._plain.values()), self._more, trials, rates)
        if len(queue):
            self.fitting.executor.run(self._data, queue, self._arrived, self._meanwhile, self.fitting.limits)
            if cache:
                cache.flush()
        for search in self.searches.values():
            search.keep()

    def _meanwhile(self, tasks: Sequence[FitTask]) -> None:
        """Do, right after fits were handed out, what no worker should wait for: keep trials, and ask for more."""
        for search in self.searches.values():
            search.keep()
        for model in {self._places[task.model, task.fold][0] for task in tasks}:
            if not self.stopped:
                self.searches[model].ask()

    def _order(self) -> Iterator[tuple[str, int, int] | None]:
        """Yield fits of the models in turn, None where none has one now."""
        while True:
            found = False
            for model, search in self.searches.items():
                place = next(search.wanted(), None)
                if place is not None:
                    found = True
                    yield (model, *place)
            if not found:
                yield None

    def _more(self) -> FitTask | None:
        """Return the next fit that was not computed before; what was is taken over at once."""
        while not self._over():
            place = next(self._turn)
            if place is None:
                return None
            task = self._task(place)
            kept = self.fitting.cache.find([task]) if self.fitting.cache else {}
            if task.key not in kept:
                return task
            self._arrived(replace(kept[task.key], model=task.model, fold=task.fold))
        return None

    def _over(self) -> bool:
        """Whether a limit is reached; what is to be beaten is fitted in any case."""
        if any(search.reference.state == "running" for search in self.searches.values()):
            return False
        seconds = time.monotonic() - self._began
        if self.limits.seconds and seconds >= self.limits.seconds:
            self.stopped = f"tuning.timeout, {self.limits.seconds:g} s, is over"
        elif self.limits.cost and self.cost >= self.limits.cost:
            self.stopped = f"tuning.max_cost, {self.limits.cost:g} processor seconds, is spent"
        return bool(self.stopped)

    def _task(self, place: Place) -> FitTask:
        model, number, fold = place
        plain = self._plain[model, self.walk.folds[fold].index]
        params = {**plain.params, **self.searches[model].trial(number).params}
        name = f"{model}#{number}" if number >= 0 else model
        self._places[name, plain.fold] = place
        return self._keys.of([replace(plain, model=name, params=params)])[0]

    def _arrived(self, result: FitResult) -> None:
        model, number, fold = self._places.pop((result.model, result.fold))
        search = self.searches[model]
        cache = self.fitting.cache
        if cache and not (result.cached or result.foreign or result.error):
            cache.put(replace(result, model=model), self.walk.members[model].name)
        elif not (cache or result.error):
            self._unkept[result.key] = result.predictions
        self.fitting.finished += not result.error
        self.fitted += not result.cached
        self.cached += result.cached
        self.cost += 0.0 if result.cached else result.cpu_seconds
        walk = self.walk
        loss = fold_loss(result, walk.dataset, walk.folds[fold], walk.binary, walk.recipe.labels.horizon)
        search.put(number, fold, loss)
        self._check(model, search)

    def series(self, some: int) -> Iterator[tuple[list[str], list[int], Floats]]:
        """Yield the out-of-fold predictions of the trials that did not fail, `some` at a time.

        With them come their names, ``MODEL#TRIAL``, and the bar after the last that each predicts. Predictions are
        float64 (n_trials, n_rows), NaN where a trial was not fitted; what the cache has lost since is left out.
        """
        trials = (
            (model, trial)
            for model, search in self.searches.items()
            for trial in (search.reference, *search.done)
            if trial.used
        )
        while group := list(islice(trials, some)):
            stops = [self.walk.folds[trial.used - 1].stop for _, trial in group]
            names = [f"{m}#{t.number}" if t.number >= 0 else m for m, t in group]
            yield names, stops, np.stack([self._predictions(m, t) for m, t in group])

    def _predictions(self, model: str, trial: Trial) -> Floats:
        tasks = [self._task((model, trial.number, fold)) for fold in range(trial.used)]
        cache = self.fitting.cache
        kept = {k: r.predictions for k, r in cache.find(tasks).items()} if cache else self._unkept
        found = np.full(len(self.walk.dataset), np.nan)
        for task in tasks:
            if task.key in kept:
                found[self._data.fold(task.fold).test] = kept[task.key]
        return found

    def told(self) -> dict[str, Any]:
        """Return what the search took, for a report."""
        return {
            "fits": self.fitted + self.cached,
            "cached": self.cached,
            "fit_cpu_seconds": round(self.cost, 3),
            "executor": self.fitting.executor.name,
            "workers": self.fitting.executor.workers,
        }

    def _check(self, model: str, search: Search) -> None:
        if search.reference.state == "failed":
            raise FitError(f"model {model!r} fails with the recipe's own parameters: {search.reference.error}")
        failed = [trial for trial in search.done if trial.state == "failed"]
        if len(failed) > search.rules.max_failures:
            raise FitError(
                f"{len(failed)} trials of model {model!r} have failed, more than tuning.max_failures allows "
                f"({search.rules.max_failures}): start again with a narrower tuning.space; the last one, "
                f"{dict(failed[-1].params)}: {failed[-1].error}"
            )


def study_seed(recipe: Recipe, model: str) -> int:
    """Return the seed of a model's study."""
    return fit_seed(recipe.seed, f"{model} tuning")


def searches_of(
    folder: Path,
    spaces: Mapping[str, Space],
    sampler: Sampler,
    recipe: Recipe,
    walk: WalkForward,
    progress: Progress,
) -> dict[str, Search]:
    """Return the searches of a sweep, with the trials that its folder holds from before.

    Parameters
    ----------
    folder : Path
        The sweep's.
    progress : Progress
        Hears of every trial that is decided.
    """
    rules = recipe.tuning
    found: dict[str, Search] = {}
    for model, space in spaces.items():
        options = recipe.models[model]
        assert options
        search = Search(
            Study(folder, model, space),
            Trial(REFERENCE, options.options),
            Rules(
                rules.trials,
                len(walk.folds),
                sampler,
                study_seed(recipe, model),
                rules.level if rules.race else 0.0,
                rules.max_failures,
            ),
            lambda trial, model=model: progress.trial(standing(model, found[model], trial)),  # type: ignore[misc]
        )
        found[model] = search
    return found
