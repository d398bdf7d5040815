"""The fitted models of a stored run: as the home keeps them, or fitted again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.errors import (
    DataError,
    FitError,
    IntegrityError,
    PluginError,
    RecipeError,
    StoreError,
    near_misses,
    one_of,
)
from quorate.execution.features import made_here
from quorate.execution.keeping import forecasts, learn
from quorate.execution.key import with_keys
from quorate.execution.outputs import Outputs
from quorate.execution.state import State
from quorate.execution.task import FitResult, FitTask
from quorate.report.report import Report
from quorate.runs.session import Session
from quorate.statistics import Floats
from quorate.store.kept import KeptArrays
from quorate.store.models import KeptModel, KeptModels
from quorate.walkforward.held_out import parted
from quorate.walkforward.layout import WalkForward, fold_facts, holdout_start, prepare
from quorate.walkforward.members import as_judged
from quorate.walkforward.models import kept_model, transforms_of, why_not
from quorate.walkforward.seeds import means
from quorate.walkforward.tasks import fit_data, fit_tasks, plain_tasks
from quorate.walkforward.warm import Start, chained, starts_of, warm_of

KEEPING = "--set execution.keep_models=all"


class Fitted(NamedTuple):
    """A fitted model of a run.

    Parameters
    ----------
    task : FitTask
        Its fit.
    state : State
        What it has learnt.
    key : str
        Under which it is kept.
    again : bool
        It was not kept, and was fitted again.
    """

    task: FitTask
    state: State
    key: str
    again: bool


@dataclass(frozen=True, eq=False)
class RunModels:
    """The fitted models of a stored run.

    Parameters
    ----------
    report : Report
        As it was stored.
    session : Session
        The run's, opened again.
    walk : WalkForward
        Its rows and folds as they were: those of the holdout, too, if it was opened.
    """

    report: Report
    session: Session
    walk: WalkForward

    def fold(self, index: int | None) -> Fold:
        """Return a fold by its number; the last one, if none is given.

        Raises
        ------
        RecipeError
            If there is none.
        """
        folds = {fold.index: fold for fold in self.walk.folds}
        last = self.walk.folds[-1].index
        if index is None:
            return folds[last]
        if index not in folds:
            raise RecipeError(f"run {self.report.run_id} has the folds {min(folds)} to {last}; it was {index}")
        return folds[index]

    def check(self, name: str) -> None:
        """Raise `RecipeError`, if no member has this name, and `PluginError`, if its model cannot be kept."""
        if name not in self.walk.members:
            known = list(self.walk.members)
            raise RecipeError(
                f"run {self.report.run_id} has the models {one_of(known)}; it was {name!r}{near_misses(name, known)}"
            )
        [task, *_] = fit_tasks(self._alone(name), self.walk.folds[:1])
        if (why := why_not(self.walk.members[name], task)) is not None:
            raise PluginError(f"model {name!r} cannot be kept or loaded: {why}")

    def seeds(self, name: str) -> int:
        """Return with how many seeds a member is fitted."""
        model = self.walk.recipe.models[name]
        return (model.seeds if model else None) or 1

    def of(self, name: str, fold: Fold, replicate: int = 0) -> Fitted:
        """Return the model of a member, a fold and a seed: as it is kept, or fitted again, and then kept.

        Raises
        ------
        IntegrityError
            If what is kept is not as it was written.
        FitError
            If its fit failed in the run, or fails now.
        """
        self.check(name)
        table = self.report.stored("fits")
        [row] = table[(table["model"] == name) & (table["fold"] == fold.index)].to_dict("records")
        if row["error"]:
            raise FitError(f"model {name!r} failed on fold {fold.index} in run {self.report.run_id}: {row['error']}")
        data, alone = fit_data(self.walk, [fold]), self._alone(name)
        task = chained(alone, with_keys(fit_tasks(alone, [fold]), data), plain_tasks)[replicate]
        models = KeptModels(self.session.home.path)
        for key in dict.fromkeys((task.key,) if replicate else (str(row["key"]), task.key)):
            if (kept := models.get(key)) is not None:
                self._compare(name, kept, task)
                return Fitted(task, State(kept.arrays, kept.values), key, False)
        self.session.progress.note(
            f"the model {name!r} of fold {fold.index} is not kept, and is fitted again on the same rows; "
            f"a run keeps its models with {KEEPING}"
        )
        if task.after:
            task = replace(task, start=self.of(name, starts_of(self.walk)[fold.index], replicate).state)
        learnt = learn(data, task, self.session.recipe.execution.fit_seconds)
        try:
            models.put(task.key, kept_model(self.walk, task, learnt.state))
        except StoreError as e:
            self.session.progress.warn(f"the model {name!r} of fold {fold.index} is not kept: {e}")
        return Fitted(task, learnt.state, task.key, True)

    def starts(self, bars: Bars) -> dict[tuple[str, int], Start]:
        """Return what members with ``warm_start`` go on from, on later bars: their models of the run's last fold.

        Raises
        ------
        DataError
            If these bars end before the last label of that fold: its models know what came there.
        FitError
            If one failed in the run, or fails now, and the recipe stops at failures.
        """
        found: dict[tuple[str, int], Start] = {}
        for name in warm_of(self.walk):
            self._check_later(bars, "give later bars")
            try:
                every = [self.of(name, self.fold(None), replicate) for replicate in range(self.seeds(name))]
            except FitError as e:
                if self.session.recipe.on_failure == "stop":
                    raise
                self.session.warn(f"model {name!r} begins afresh: {e}")
            else:
                found |= {(name, replicate): Start(one.key, one.state) for replicate, one in enumerate(every)}
        return found

    def last(self, bars: Bars) -> dict[str, Any]:
        """Return what trained the run's last fold, and how many of these bars came since, as plain data."""
        facts = fold_facts(self.walk, self.fold(None))
        told = {name: facts[name] for name in ("fold", "train_first", "train_last", "train_rows", "label_end")}
        return {**told, "bars_since": int((bars.times > self._ended()).sum())}

    def _check_later(self, bars: Bars, remedy: str) -> None:
        last, ended = bars.times[-1], self._ended()
        if last < ended:
            raise DataError(
                f"the bars end at {last}Z, and the models of the run's last fold learnt from labels up to {ended}Z: "
                f"that would be no forecast; {remedy}"
            )

    def _ended(self) -> np.datetime64:
        """Return when the last label ended that trained the run's last fold."""
        ended: np.datetime64 = self.walk.bars.times[int(self.walk.dataset.learnt_end[self.fold(None).train].max())]
        return ended

    def moved(self, walk: WalkForward, now: Fold) -> Fold:
        """Return a fold of other bars with the training rows of the run's last one, as far as these bars have them.

        Raises
        ------
        DataError
            If its bar is none after the end of the models' last label: they know what came there.
        """
        self._check_later(walk.bars, "give later bars, or leave out --kept")
        then, old = self.walk, self.fold(None)
        position, dataset = positions_of(walk), then.dataset
        times, symbols = then.bars.times[dataset.bar[old.train]], np.asarray(then.bars.symbols)
        bar = pd.DatetimeIndex(walk.bars.times).get_indexer(pd.DatetimeIndex(times))
        symbol = pd.Index(walk.bars.symbols).get_indexer(pd.Index(symbols[dataset.symbol[old.train]]))
        row = np.where((bar >= 0) & (symbol >= 0), position[bar, symbol], -1)
        told = [name for name in walk.voting if "symbol" in walk.members[name].told]
        if told and (symbol < 0).any():  # of its training rows a symbol has its number
            lost = sorted({str(one) for one in symbols[dataset.symbol[old.train[symbol < 0]]]})
            raise DataError(
                f"the kept model of {told[0]!r} was trained on {', '.join(lost)}, too, and is told symbols by their "
                "places: give their bars, or leave out --kept"
            )
        return replace(now, train=row[row >= 0])

    def forecast(self, walk: WalkForward, now: Fold) -> tuple[list[FitResult], dict[str, Any]]:
        """Return what the models of the run's last fold forecast of a fold that was `moved`, and what is to be told."""
        fold = self.fold(None)
        found: list[Fitted] = []
        fits = []
        for name in walk.voting:
            try:
                found += [self.of(name, fold, replicate) for replicate in range(self.seeds(name))]
            except FitError as e:
                if self.session.recipe.on_failure == "stop":
                    raise
                fits.append(FitResult(name, now.index, np.full(len(now.test), np.nan), error=str(e)))
        items = [(replace(one.task, fold=now.index), one.state) for one in found]
        answers = forecasts(fit_data(walk, [now]), items, self.session.recipe.execution.fit_seconds)
        fits = judged_fits(walk, now, [one.task for one in found], answers, fits)
        told = {
            **self.last(walk.bars),
            "fitted_again": list(dict.fromkeys(one.task.model for one in found if one.again)),
            "keys": {self._called(one.task): one.key for one in found},
        }
        return fits, told

    def _called(self, task: FitTask) -> str:
        return f"{task.model}, seed {task.replicate + 1}" if self.seeds(task.model) > 1 else task.model

    def _compare(self, name: str, kept: KeptModel, task: FitTask) -> None:
        if kept.facts["features"] != list(self.walk.dataset.feature_names):
            raise IntegrityError(
                f"the kept model of {name!r} reads other features than run {self.report.run_id}: "
                f"{', '.join(kept.facts['features'])}"
            )
        if kept.facts["plugin"]["code"] != task.code:
            self.session.warn(f"the code of model {name!r} is not what it was when the model was fitted")
        if kept.facts.get("transforms", []) != json.loads(json.dumps(transforms_of(task))):
            self.session.warn(f"a transform of model {name!r} is not what it was when the model was fitted")

    def _alone(self, name: str) -> WalkForward:
        """Return the walk-forward with one of its members."""
        return replace(self.walk, members={name: self.walk.members[name]})


def judged_fits(
    walk: WalkForward,
    now: Fold,
    tasks: Sequence[FitTask],
    answers: Sequence[tuple[Floats, Outputs]],
    failed: Sequence[FitResult] = (),
) -> list[FitResult]:
    """Return what models forecast of a fold's rows as it is combined: of several seeds the mean, and to scale."""
    of_each = [
        FitResult(task.model, now.index, *answer, replicate=task.replicate)
        for task, answer in zip(tasks, answers, strict=True)
    ]
    return [as_judged(walk, one, now) for one in parted(walk.unseen, [now], [*failed, *means(of_each)])]


def models_of(report: Report, session: Session, bars: Bars) -> RunModels:
    """Lay out the rows and folds of a stored run again, from what `runs.stored.reopen` gives."""
    start = holdout_start(bars, session.recipe)
    arrays = KeptArrays(session.home.path, made_here(), write=False)
    opened = report.results["holdout"] is not None
    parts = [(0, start), (start, len(bars))] if opened else [(0, start)]
    walk = prepare(session.recipe, session.registry, bars if opened else bars.until(start), parts, arrays)
    return RunModels(report, session, walk)


def positions_of(walk: WalkForward) -> NDArray[np.int64]:
    """Return where the row of a bar and a symbol is, (n_bars, n_symbols); -1, where there is none."""
    position = np.full(walk.bars.close.shape, -1, dtype=np.int64)
    position[walk.dataset.bar, walk.dataset.symbol] = np.arange(len(walk.dataset))
    return position
