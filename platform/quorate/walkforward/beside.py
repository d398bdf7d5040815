"""An ensemble beside itself with one more member: fitted, combined, traded and compared on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.ensemble.within import WITHIN, within_bars
from quorate.errors import FitError
from quorate.evidence.evidence import Performance
from quorate.evidence.marginal import Marginal, compare_forecasts
from quorate.execution.progress import Clock
from quorate.execution.task import FitResult
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward, prepare
from quorate.walkforward.members import Fitting, collect
from quorate.walkforward.series import Series, combine_members, decide_given, judge_span, judged_rows


@dataclass(frozen=True, eq=False)
class Beside:
    """Two ensembles side by side, on the rows of the one with the member.

    Parameters
    ----------
    walk : WalkForward
        Of the recipe with the member; baselines left out.
    name : str
        The member.
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold, of all members.
    fits : dict
        How many fits of the ``member`` and of the ``others`` were computed and kept; seconds of one of the member's.
    """

    walk: WalkForward
    name: str
    predictions: Floats
    fits: dict[str, Any]

    def column(self, name: str) -> Floats:
        """Return the forecasts of a member."""
        values: Floats = self.predictions[:, list(self.walk.members).index(name)]
        return values

    def traded(self) -> tuple[Series, Series, Series]:
        """Return the ensemble with the member, the one without it, and the member."""
        method, without = self.walk.recipe.ensemble.method, f"{self.walk.recipe.ensemble.method} without {self.name}"
        rest = [place for place, name in enumerate(self.walk.members) if name != self.name]
        models = {name: model for name, model in self.walk.recipe.models.items() if name != self.name}
        other = replace(
            self.walk,
            recipe=self.walk.recipe.model_copy(update={"models": models}),
            members={name: spec for name, spec in self.walk.members.items() if name != self.name},
        )
        one = combine_members(self.walk, self.predictions, beside=False)[method].predictions
        less = combine_members(other, self.predictions[:, rest], beside=False)[method].predictions
        found = ((method, one), (without, less), (self.name, self.column(self.name)))
        first, second, third = (decide_given(self.walk, label, values) for label, values in found)
        return first, second, third

    def judged(self) -> tuple[Sequence[Series], list[Performance]]:
        """Return the three series of `traded`, and what each earned from the first fold on."""
        series = self.traded()
        traded = judge_span(self.walk, series, self.first, len(self.walk.bars))
        return series, [performance for _, performance in traded[: len(series)]]

    @property
    def first(self) -> int:
        """The first bar that is predicted."""
        return self.walk.folds[0].first

    @property
    def loss(self) -> str:
        """What the loss is called."""
        if self.walk.recipe.ensemble.calibration in WITHIN:
            return "squared error within bars"
        return "Brier score" if self.walk.binary else "squared error"

    def compared(self, series: Sequence[Series], judged: Sequence[Performance], size: float) -> Marginal:
        """Return what the member adds; `size` is that of the tests, two-sided.

        Where forecasts are brought to one scale within the bar, so are the labels that they are held against.
        """
        walk = self.walk
        rows = np.logical_and.reduce([judged_rows(walk, one, self.first, len(walk.bars)) for one in series])
        one, less, member = (each.predictions[rows] for each in series)
        calibration, bar, y = walk.recipe.ensemble.calibration, walk.dataset.bar[rows], walk.dataset.y[rows]
        return compare_forecasts(
            within_bars(calibration, y, bar),
            less,
            one,
            member,
            {name: self.column(name)[rows] for name in walk.members if name != self.name},
            bar,
            judged[0].returns - judged[1].returns,
            walk.horizon,
            size,
            walk.recipe.seed,
        )


def fit_beside(
    recipe: Recipe, without: Recipe, registry: Registry, bars: Bars, name: str, clock: Clock, fitting: Fitting
) -> Beside:
    """Fit the members that are there as a run of their recipe does, then the new one on its own.

    Parameters
    ----------
    recipe, without : Recipe
        Resolved, with the member and without it.
    bars : Bars
        Up to the holdout.
    name : str
        The member.

    Raises
    ------
    FitError
        If a fit of it fails on any fold.
    """
    parts = [(0, len(bars))]
    with clock.stage("features"):
        own, walk = (prepare(_plain(one), registry, bars, parts, fitting.arrays) for one in (without, recipe))
        own = replace(own, members={member: own.members[member] for member in own.voting})
        walk = replace(walk, members={member: walk.members[member] for member in walk.voting})
    with clock.stage("fits"):
        others = fitting.run(own, own.folds)
        computed = list(fitting.results)
        mine = replace(walk, members={name: walk.members[name]})
        try:
            new = fitting.run(mine, mine.folds)
        except FitError as e:
            told = str(e).partition("\n")[0]
            raise FitError(
                f"{told}\n  a new member must be fitted on every fold: quorate check says what else it must do"
            ) from e.__cause__
    members = _on_rows(own, collect(own, others), walk)
    columns = {**dict(zip(own.members, members.T, strict=True)), name: collect(mine, new)[:, 0]}
    predictions = np.column_stack([columns[member] for member in walk.members])
    later = fitting.results[len(computed) :]
    fits = {
        "member": {**_counted(later), "cpu_seconds": round(float(np.mean([one.cpu_seconds for one in later])), 4)},
        "others": _counted(computed),
    }
    return Beside(walk, name, predictions, fits)


def _counted(results: Sequence[FitResult]) -> dict[str, int]:
    kept = sum(one.cached for one in results)
    return {"computed": len(results) - kept, "kept": kept}


def _on_rows(own: WalkForward, predictions: Floats, walk: WalkForward) -> Floats:
    """Return predictions of the rows of another walk-forward: a model with a longer window leaves out early ones."""
    mine, theirs = own.dataset, walk.dataset
    if np.array_equal(mine.bar, theirs.bar) and np.array_equal(mine.symbol, theirs.symbol):
        return predictions
    places = {pair: row for row, pair in enumerate(zip(mine.bar.tolist(), mine.symbol.tolist(), strict=True))}
    moved = np.full((len(theirs), predictions.shape[1]), np.nan)
    for row, pair in enumerate(zip(theirs.bar.tolist(), theirs.symbol.tolist(), strict=True)):
        if (place := places.get(pair)) is not None:
            moved[row] = predictions[place]
    return moved


def _plain(recipe: Recipe) -> Recipe:
    """Return a recipe of which the judged ensemble alone is combined."""
    return recipe.model_copy(update={"ensemble": recipe.ensemble.model_copy(update={"compare": []})})
