"""What a search tunes: which fits a trial takes, and what comes of them; here a model, by its own loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quorate.ensemble.within import within_bars
from quorate.execution.key import Keys
from quorate.execution.task import FitData, FitResult, FitTask
from quorate.statistics import Floats
from quorate.sweeps.losses import fold_loss
from quorate.sweeps.space import Space, active
from quorate.sweeps.trial import REFERENCE, FoldLoss, Trial
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.members import Fitting, as_judged
from quorate.walkforward.series import trade_as_given
from quorate.walkforward.tasks import fit_tasks

# Predictions of finished fits, by key; what is kept nowhere is left out.
Find = Callable[[Sequence[FitTask]], Mapping[str, Floats]]


class Ground:
    """Rows and folds that fits read.

    Parameters
    ----------
    walk : WalkForward
        An inner one.
    """

    def __init__(self, walk: WalkForward) -> None:
        self.walk = walk
        self.data = FitData(walk.dataset, tuple(walk.folds))
        self.keys = Keys(self.data)


@dataclass(frozen=True)
class Earned:
    """What trading a trial on the inner folds earned.

    Parameters
    ----------
    name : str
        ``NAME#TRIAL``; of the recipe's own parameters ``NAME``.
    returns : ndarray of float64
        Net, per bar from the second of the first inner fold on.
    """

    name: str
    trial: Trial
    returns: Floats


class Subject(ABC):
    """What a search tunes.

    Parameters
    ----------
    name : str
        Of the search and its study.
    space : mapping
        What is tried.
    own : mapping
        What the recipe has.
    """

    role: str  # of its series in the ledger

    def __init__(self, name: str, space: Space, own: Mapping[str, Any]) -> None:
        self.name, self.space, self.own = name, space, own

    @abstractmethod
    def ground(self, trial: Trial) -> Ground:
        """Return what the fits of a trial read; trials that read the same have the same object."""

    @abstractmethod
    def tasks(self, trial: Trial, fold: int) -> list[FitTask]:
        """Return the fits of a trial on a fold, with their keys; `member` tells whose they are."""

    @abstractmethod
    def came(self, trial: Trial, fold: int, results: Mapping[str, FitResult]) -> dict[int, FoldLoss]:
        """Take what came of the fits of a fold, by member, and return what is known now of that and other folds."""

    @abstractmethod
    def earned(self, trials: Sequence[Trial], find: Find) -> Iterator[Earned]:
        """Yield what trials earned on the folds that their states rest on; what cannot be told is left out."""

    def forget(self, trial: Trial) -> None:  # noqa: B027 - most have nothing to forget
        """Keep nothing more of a trial that is decided."""

    def chosen(self, trial: Trial) -> dict[str, Any]:
        """Return what a trial sets: the parameters that count."""
        return {} if trial.number == REFERENCE else active(self.space, trial.params)


def forecasts_of(tasks: Sequence[FitTask], found: Mapping[str, Floats]) -> dict[tuple[str, int], Floats]:
    """Return what finished fits forecast by model and fold, of several seeds the mean; what is not kept is left out.

    Parameters
    ----------
    found : mapping of str to ndarray
        By key.
    """
    every: dict[tuple[str, int], list[FitTask]] = {}
    for task in tasks:
        every.setdefault((task.model, task.fold), []).append(task)
    return {
        which: np.mean([found[task.key] for task in some], axis=0) if len(some) > 1 else found[some[0].key]
        for which, some in every.items()
        if all(task.key in found for task in some)
    }


def task_name(member: str, trial: Trial) -> str:
    """Return what a fit of a trial is called."""
    return member if trial.number == REFERENCE else f"{member}#{trial.number}"


class OneModel(Subject):
    """A model, by the loss of its forecasts.

    Parameters
    ----------
    ground : Ground
        That all models share.
    name : str
        The model's in the recipe.
    own : mapping
        Its parameters there.
    """

    role = "member"

    def __init__(self, ground: Ground, name: str, space: Space, own: Mapping[str, Any], fitting: Fitting) -> None:
        super().__init__(name, space, own)
        self._ground = ground
        walk = ground.walk
        alone = replace(walk, members={name: walk.members[name]})
        self._plain = fit_tasks(alone, walk.folds, fitting.gpus(alone))
        self._index = [fold.index for fold in walk.folds]

    def ground(self, trial: Trial) -> Ground:
        """Return the only one there is."""
        return self._ground

    def tasks(self, trial: Trial, fold: int) -> list[FitTask]:
        """Return the model's fits: one, or one for each of its seeds."""
        name, chosen = task_name(self.name, trial), self.chosen(trial)
        plain = [task for task in self._plain if task.fold == self._index[fold]]
        return self._ground.keys.of([replace(one, model=name, params={**one.params, **chosen}) for one in plain])

    def came(self, trial: Trial, fold: int, results: Mapping[str, FitResult]) -> dict[int, FoldLoss]:
        """Return the fold's loss."""
        walk = self._ground.walk
        horizon = walk.horizon
        result = as_judged(walk, results[self.name], walk.folds[fold])
        return {fold: fold_loss(result, walk.dataset, walk.folds[fold], walk.binary, horizon)}

    def earned(self, trials: Sequence[Trial], find: Find) -> Iterator[Earned]:
        """Yield what the forecasts would have earned with the default threshold."""
        walk = self._ground.walk
        first = walk.folds[0].first
        predictions = np.full((len(trials), len(walk.dataset)), np.nan)
        for row, trial in zip(predictions, trials, strict=True):
            tasks = [task for fold in range(trial.used) for task in self.tasks(trial, fold)]
            for (_, fold), values in forecasts_of(tasks, find(tasks)).items():
                test = self._ground.data.fold(fold).test
                row[test] = within_bars(walk.recipe.ensemble.calibration, values, walk.dataset.bar[test])
        returns = trade_as_given(walk, predictions, first)
        for k, trial in enumerate(trials):
            stop = walk.folds[trial.used - 1].stop  # what was stopped early earned nothing later
            yield Earned(task_name(self.name, trial), trial, returns[: stop - first - 1, k])
