"""A whole recipe as what is tuned: its members are fitted, combined and traded on the inner folds, trial by trial."""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from textwrap import shorten

import numpy as np

from quorate.errors import PluginError, RecipeError
from quorate.evidence.evidence import Performance
from quorate.evidence.judging import measure
from quorate.execution.task import FitResult, FitTask
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.statistics import Floats
from quorate.sweeps.inner import Window, inner_walk
from quorate.sweeps.losses import LONGEST, loss_of
from quorate.sweeps.objectives import Objectives
from quorate.sweeps.space import Space
from quorate.sweeps.subject import Earned, Find, Ground, Subject, forecasts_of, task_name
from quorate.sweeps.trial import FoldLoss, Trial
from quorate.sweeps.variant import variant
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting, as_judged
from quorate.walkforward.series import Series, combine_members, decide_judged, judge_span
from quorate.walkforward.tasks import fit_tasks

KEPT = 6  # grounds at a time: each holds all rows
SECTIONS = {"features", "labels"}  # keys of these make other rows


@dataclass
class _Open:
    """A trial that is on its way."""

    ground: Ground
    walk: WalkForward
    plain: list[FitTask]
    results: dict[int, Mapping[str, FitResult]] = field(default_factory=dict)
    told: int = 0  # folds whose outcome is known


class WholeRecipe(Subject):
    """A recipe: the loss of its ensemble's forecasts, or metrics of what the ensemble earns.

    Parameters
    ----------
    recipe : Recipe
        Resolved; its models are those that take part.
    window : Window
        Where trials are judged.
    each : bool
        Outcomes are wanted fold by fold, as something may stop a trial; else when all folds are there.
    """

    role = "ensemble"

    def __init__(
        self,
        name: str,
        space: Space,
        own: Mapping[str, object],
        recipe: Recipe,
        registry: Registry,
        window: Window,
        objectives: Objectives,
        fitting: Fitting,
        each: bool,
    ) -> None:
        super().__init__(name, space, own)
        # What stands beside the judged series is not looked at.
        self.recipe = recipe.model_copy(
            update={
                "ensemble": recipe.ensemble.model_copy(update={"compare": []}),
                "strategy": recipe.strategy.model_copy(update={"compare": []}),
            }
        )
        self._registry, self._window, self._fitting = registry, window, fitting
        self._objectives, self._each = objectives, each
        self._grounds: OrderedDict[str, Ground] = OrderedDict()
        self._open: dict[int, _Open] = {}
        self._returns: dict[int, Floats] = {}

    def recipe_of(self, trial: Trial) -> Recipe:
        """Return the recipe that a trial is."""
        chosen = self.chosen(trial)
        return variant(self.recipe, self._registry, chosen) if chosen else self.recipe

    def ground(self, trial: Trial) -> Ground:
        """Return the rows of a trial: others only where keys of features or labels differ."""
        return self._begun(trial).ground

    def _ground(self, recipe: Recipe) -> Ground:
        key = json.dumps(recipe.model_dump(mode="json", include=SECTIONS), sort_keys=True)
        if key not in self._grounds:
            walk = inner_walk(recipe, self._registry, self._window, list(recipe.models), self._fitting.arrays)
            self._grounds[key] = Ground(walk)
            if len(self._grounds) > KEPT:
                self._grounds.popitem(last=False)
        self._grounds.move_to_end(key)
        return self._grounds[key]

    def _begun(self, trial: Trial) -> _Open:
        if trial.number not in self._open:
            recipe = self.recipe_of(trial)
            ground = self._ground(recipe)
            walk = ground.walk
            walk = replace(walk, recipe=recipe.model_copy(update={"folds": walk.recipe.folds}))
            tasks = fit_tasks(walk, walk.folds, self._fitting.gpus(walk))
            self._open[trial.number] = _Open(ground, walk, tasks)
        return self._open[trial.number]

    def tasks(self, trial: Trial, fold: int) -> list[FitTask]:
        """Return the fits of all members."""
        begun = self._begun(trial)
        index = begun.walk.folds[fold].index
        plain = [task for task in begun.plain if task.fold == index]
        return begun.ground.keys.of([replace(one, model=task_name(one.model, trial)) for one in plain])

    def came(self, trial: Trial, fold: int, results: Mapping[str, FitResult]) -> dict[int, FoldLoss]:
        """Return what is known now: outcomes of folds need those of all before."""
        begun = self._begun(trial)
        begun.results[fold] = results
        n, known = len(begun.walk.folds), begun.told
        while known in begun.results and not (known > 0 and self._failed(begun, known - 1)):
            known += 1
        failed = known > 0 and self._failed(begun, known - 1)
        if known == begun.told or not (self._each or failed or known == n):
            return {}
        stops = range(begun.told + 1, known + 1) if self._each else [known]
        found: dict[int, FoldLoss] = {}
        for stop in stops:
            try:
                found |= self._outcome(trial, begun, stop)
            except (PluginError, RecipeError) as e:  # of an ensembler, a strategy or a metric with these parameters
                found |= {k: FoldLoss() for k in range(begun.told, stop - 1) if k not in found}
                found[stop - 1] = FoldLoss(error=shorten(str(e), LONGEST))
                break
        begun.told = known
        return found

    def _failed(self, begun: _Open, fold: int) -> str:
        """Return why a trial has failed on a fold; empty, if it has not."""
        results = begun.results[fold]
        errors = [results[name].error for name in begun.walk.members if results[name].error]
        if errors and (begun.walk.recipe.on_failure == "stop" or len(errors) == len(results)):
            return shorten(errors[0], LONGEST)
        return ""

    def _outcome(self, trial: Trial, begun: _Open, stop: int) -> dict[int, FoldLoss]:
        """Return the outcomes of the folds that are not told yet, up to fold ``stop - 1``."""
        seconds = [sum(one.cpu_seconds for one in begun.results[k].values()) for k in range(stop)]
        first = stop - 1 if self._each else begun.told
        if reason := self._failed(begun, stop - 1):
            before = {k: FoldLoss(seconds=seconds[k]) for k in range(first, stop - 1)}
            return before | {stop - 1: FoldLoss(seconds=seconds[stop - 1], error=reason)}
        walk = replace(begun.walk, folds=begun.walk.folds[:stop])
        predictions = np.full((len(walk.dataset), len(walk.members)), np.nan)
        for k, fold in enumerate(walk.folds):
            for column, name in enumerate(walk.members):
                if not begun.results[k][name].error:
                    predictions[fold.test, column] = as_judged(walk, begun.results[k][name], fold).predictions
        if not self._objectives.metrics:
            method = walk.recipe.ensemble.method
            combined = combine_members(walk, predictions, beside=False)[method].predictions
            horizon = walk.horizon
            return {
                k: loss_of(combined[walk.folds[k].test], seconds[k], walk.dataset, walk.folds[k], walk.binary, horizon)
                for k in range(first, stop)
            }
        judged = decide_judged(walk, predictions)
        performance = _performance(walk, judged, 0, stop)
        self._returns[trial.number] = performance.returns
        values = self._values(walk, judged, performance)
        return {k: FoldLoss(seconds=seconds[k], values=values if k == stop - 1 else ()) for k in range(first, stop)}

    def _values(self, walk: WalkForward, judged: Series, performance: Performance) -> tuple[float, ...]:
        """Return the objectives over the folds of a walk-forward, each to be small; infinite where undefined."""
        aims, registry = self._objectives, walk.registry
        if not aims.deviation:
            told = measure(performance, registry, aims.names)
            turned = aims.turned([told[name] for name in aims.names])
            return tuple(value if math.isfinite(value) else math.inf for value in turned)
        rows = [measure(_performance(walk, judged, k, k + 1), registry, aims.names) for k in range(len(walk.folds))]
        turned_rows = np.array([aims.turned([row[name] for name in aims.names]) for row in rows])
        return tuple(aims.over_folds(column) for column in turned_rows.T)

    def forget(self, trial: Trial) -> None:
        """Let go of the fits of a trial that is decided."""
        self._open.pop(trial.number, None)

    def earned(self, trials: Sequence[Trial], find: Find) -> Iterator[Earned]:
        """Yield what the ensembles earned as the recipe trades them."""
        for trial in trials:
            bars = trial.used * self._window.test - 1
            if len(self._returns.get(trial.number, ())) < bars:
                self._returns[trial.number] = self._traded(trial, find)
                self.forget(trial)
            # What was fitted beyond the fold at which it was stopped does not count.
            yield Earned(task_name(self.name, trial), trial, self._returns[trial.number][:bars])

    def _traded(self, trial: Trial, find: Find) -> Floats:
        """Return what a trial earned, from finished fits."""
        begun = self._begun(trial)
        walk = replace(begun.walk, folds=begun.walk.folds[: trial.used])
        predictions = np.full((len(walk.dataset), len(walk.members)), np.nan)
        columns = {task_name(name, trial): column for column, name in enumerate(walk.members)}
        tasks = [task for fold in range(trial.used) for task in self.tasks(trial, fold)]
        folds = {fold.index: fold for fold in walk.folds}
        for (model, fold), values in forecasts_of(tasks, find(tasks)).items():
            predictions[folds[fold].test, columns[model]] = values
        return _performance(walk, decide_judged(walk, predictions), 0, trial.used).returns


def _performance(walk: WalkForward, judged: Series, first: int, stop: int) -> Performance:
    """Return how a series traded on folds `first` to ``stop - 1``, with fresh capital."""
    bars = walk.folds[first].first, walk.folds[stop - 1].stop
    return judge_span(walk, [judged], *bars)[0][1]
