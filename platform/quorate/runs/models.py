"""The fitted models of a stored run: as the home keeps them, or fitted again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.errors import FitError, IntegrityError, PluginError, RecipeError, StoreError, near_misses, one_of
from quorate.execution.features import made_here
from quorate.execution.fit import FitData, FitTask
from quorate.execution.keeping import learn
from quorate.execution.key import with_keys
from quorate.execution.state import State
from quorate.report.report import Report
from quorate.runs.session import Session
from quorate.store.kept import KeptArrays
from quorate.store.models import KeptModel, KeptModels
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.members import fit_tasks
from quorate.walkforward.models import kept_model, why_not

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

    def of(self, name: str, fold: Fold) -> Fitted:
        """Return the model of a member and a fold: as it is kept, or fitted again, and then kept.

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
        data = FitData(self.walk.dataset, (fold,))
        [task] = with_keys(fit_tasks(self._alone(name), [fold]), data)
        models = KeptModels(self.session.home.path)
        for key in dict.fromkeys((str(row["key"]), task.key)):
            if (kept := models.get(key)) is not None:
                self._compare(name, kept, task)
                return Fitted(task, State(kept.arrays, kept.values), key, False)
        self.session.progress.note(
            f"the model {name!r} of fold {fold.index} is not kept, and is fitted again on the same rows; "
            f"a run keeps its models with {KEEPING}"
        )
        learnt = learn(data, task, self.session.recipe.execution.fit_seconds)
        try:
            models.put(task.key, kept_model(self.walk, task, learnt.state))
        except StoreError as e:
            self.session.progress.warn(f"the model {name!r} of fold {fold.index} is not kept: {e}")
        return Fitted(task, learnt.state, task.key, True)

    def _compare(self, name: str, kept: KeptModel, task: FitTask) -> None:
        if kept.facts["features"] != list(self.walk.dataset.feature_names):
            raise IntegrityError(
                f"the kept model of {name!r} reads other features than run {self.report.run_id}: "
                f"{', '.join(kept.facts['features'])}"
            )
        if kept.facts["plugin"]["code"] != task.code:
            self.session.warn(f"the code of model {name!r} is not what it was when the model was fitted")

    def _alone(self, name: str) -> WalkForward:
        """Return the walk-forward with one of its members."""
        return replace(self.walk, members={name: self.walk.members[name]})


def models_of(report: Report, session: Session, bars: Bars) -> RunModels:
    """Lay out the rows and folds of a stored run again, from what `runs.stored.reopen` gives."""
    start = holdout_start(bars, session.recipe)
    arrays = KeptArrays(session.home.path, made_here(), write=False)
    opened = report.results["holdout"] is not None
    parts = [(0, start), (start, len(bars))] if opened else [(0, start)]
    walk = prepare(session.recipe, session.registry, bars if opened else bars.until(start), parts, arrays)
    return RunModels(report, session, walk)
