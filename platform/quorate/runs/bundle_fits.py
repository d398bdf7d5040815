"""The parts of a bundle's run computed anew: figures from the bundle's predictions, keys, and single fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.errors import FitError
from quorate.execution.outputs import SHUFFLED
from quorate.execution.progress import Clock
from quorate.execution.task import FitResult
from quorate.plugins.specs import GateSpec
from quorate.report.report import PARTS, Report
from quorate.runs.bundle_file import Contents, Fit
from quorate.runs.bundle_session import Opened
from quorate.runs.reproduce import as_known, as_then, differences_of
from quorate.statistics import Floats
from quorate.walkforward import part as parts_module
from quorate.walkforward.layout import WalkForward, holdout_start
from quorate.walkforward.members import Fitting
from quorate.walkforward.warm import NOTHING, Starts

TOLERANCE = 0.01  # of predictions on other processors or libraries: root mean square, in their standard deviations
FIGURES = 1e-6  # of figures there, which come from the same predictions
MOST = 20  # figures that are told to differ
# What is told of single seeds and of failures is not in predictions; warnings of loading are told when data is loaded.
APART = ("warnings", "seeds", "seed_spread", "failures")


@dataclass(frozen=True)
class Spot:
    """One fit that was computed anew.

    Parameters
    ----------
    part, model : str
        Which part of the run, and what the recipe calls the member.
    fold, rows : int
        The fold, and its rows.
    differing : int
        Values of predictions and other outputs that differ in any bit.
    largest : float
        The largest distance of two values.
    apart : float
        Root mean square distance of predictions, as a share of their standard deviation.
    exact : bool
        Whether it must be the same in every bit.
    agrees : bool
        Whether it is as it must be.
    """

    part: str
    model: str
    fold: int
    rows: int
    differing: int
    largest: float
    apart: float
    exact: bool
    agrees: bool

    @property
    def what(self) -> str:
        """Which fit it is, in words."""
        return f"{self.part}, model {self.model!r} on fold {self.fold}"


@dataclass
class Given(Fitting):
    """Fits that are known already: those of the bundle, in place of any that would be done."""

    given: Mapping[tuple[str, int], FitResult] = field(default_factory=dict)

    def run(
        self,
        walk: WalkForward,
        folds: Sequence[Fold],
        meanwhile: Callable[[], None] = lambda: None,
        *,
        keep: bool = False,
        starts: Starts = NOTHING,
    ) -> list[FitResult]:
        """Return the given fits of these members and folds."""
        return [self.given[name, fold.index] for name in walk.members for fold in folds]


@dataclass(frozen=True, eq=False)
class PartAnew:
    """A part whose rows and folds are laid out from the bars."""

    name: str
    walk: WalkForward
    folds: Sequence[Fold]


@dataclass(eq=False)
class Anew:
    """A bundle's run, computed anew as far as it can be.

    Parameters
    ----------
    contents, report, opened, bars
        The bundle, its report, what can be computed of it, and its bars.
    fitting : Fitting
        Where fits are done; nothing is taken from a home.
    clock : Clock
        Hears of stages.
    exact : bool
        Whether libraries and processor are those of the run.
    """

    contents: Contents
    report: Report
    opened: Opened
    bars: Bars
    fitting: Fitting
    clock: Clock
    exact: bool
    faults: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)

    def parts(self) -> list[PartAnew]:
        """Lay out the parts of the run, and hold the report's figures against the bundle's predictions."""
        session = self.opened.session
        assert session is not None
        laid = parts_module.lay_out_development(session.recipe, session.registry, self.bars, self.clock)
        found = [PartAnew("development", laid.walk, laid.folds)]
        whole = self.opened.whole and self._fits_in(found[0])
        if laid.walk.unseen is not None:
            self.unchecked.append("figures of a run that holds out symbols are not computed from predictions alone")
            whole = False
        earlier: Floats | None = None
        if whole:
            given = self._given("development")
            known = as_known(self.report, "development")
            part = parts_module.development(replace(laid, splits={}), given, self.clock, known)
            self._hold_against("development", part.section)
            earlier = part.predictions
        if self.report.results["holdout"] is None:
            return found
        start = holdout_start(self.bars, session.recipe)
        if earlier is None:
            after = parts_module.lay_out_holdout(session.recipe, session.registry, self.bars, self.clock)
            found.append(PartAnew("holdout", after.walk, after.folds))
            self._fits_in(found[-1])
            return found
        given, known = self._given("holdout"), as_known(self.report, "holdout")
        try:
            part = parts_module.holdout(session.recipe, session.registry, self.bars, earlier, given, self.clock, known)
        except (KeyError, ValueError):  # folds are others than those that the bundle has predictions of
            after = parts_module.lay_out_holdout(session.recipe, session.registry, self.bars, self.clock)
            found.append(PartAnew("holdout", after.walk, after.folds))
            if self._fits_in(found[-1]):
                raise
            return found
        self._hold_against("holdout", part.section)
        found.append(PartAnew("holdout", part.walk, [fold for fold in part.walk.folds if fold.first >= start]))
        return found

    def _fits_in(self, part: PartAnew) -> bool:
        """Whether the bundle has predictions of just the rows that there are by the bars; what not, is told."""
        here = {fold.index: len(fold.test) for fold in part.folds}
        told = dict(self.contents.folds[part.name])
        for fold in sorted({*here, *told}):
            if here.get(fold) != told.get(fold):
                self.faults.append(
                    f"{part.name}, fold {fold} has {told.get(fold, 0):,} rows in the bundle, and "
                    f"{here.get(fold, 0):,} by its bars and recipe"
                )
        return here == told

    def _given(self, part: str) -> Given:
        results = {}
        for fit in self.contents.fits:
            if fit.part == part:
                outputs = self.contents.values(fit)
                own = outputs.pop(fit.model)
                outputs = {name.removeprefix(f"{fit.model}/"): one for name, one in outputs.items()}
                outputs = {} if fit.error else outputs
                results[fit.model, fit.fold] = FitResult(fit.model, fit.fold, own, outputs, fit.key, error=fit.error)
        return Given(self.fitting.executor, self.fitting.progress, given=results)

    def _hold_against(self, part: str, section: Mapping[str, object]) -> None:
        """Note how a part's figures are other than the report's."""
        session = self.opened.session
        assert session is not None
        told = dict(self.report.results[part])
        now = as_then(told, section)
        paths = (
            [name for name in session.recipe.gates.judging if session.registry.get(GateSpec, name).paths]
            if part == "development"
            else []
        )
        if paths:
            self.unchecked.append(
                f"the gate {paths[0]!r} needs fits that are in no tree: quorate reproduce computes them"
            )
        for one in (told, now):
            one["gates"] = [gate for gate in one["gates"] if gate["gate"] not in paths]
            for name in (*APART, *(["verdict"] if paths else []), *([] if self.exact else ["digests"])):
                one.pop(name, None)
        lines = list(differences_of(told, now, part, 0.0 if self.exact else FIGURES))
        lines.sort(key=lambda line: not line.startswith(f"{part}.digests"))  # which say it of all predictions at once
        self.faults += [f"the report is not what its predictions come to: {line}" for line in lines[:MOST]]
        if len(lines) > MOST:
            self.faults.append(f"and {len(lines) - MOST:,} other figures of the {part}")
        self.figures.append(part)


def keys_anew(anew: Anew, part: PartAnew, faults: list[str]) -> int:
    """Return how many fits have the key that bars and recipe give; others are added to the faults.

    A key covers the processor and the libraries, and the device of a fit: elsewhere it is another one, and not asked.
    """
    if not anew.exact:
        return 0
    tasks, _ = anew.fitting.tasks(part.walk, part.folds)
    keys = {(task.model, task.fold): task.key for task in reversed(tasks)}  # of several seeds the first
    same = 0
    for fit in anew.contents.fits:
        key = keys.get((fit.model, fit.fold)) if fit.part == part.name and not fit.error else None
        if key is None or part.walk.members[fit.model].wants_gpu:
            continue
        if key == fit.key:
            same += 1
        else:
            faults.append(f"the fit of {fit} has the key {fit.key[:12]}, and by its bars and recipe it is {key[:12]}")
    return same


def spots_anew(anew: Anew, part: PartAnew, wanted: Sequence[Fit]) -> list[Spot]:
    """Compute these fits of a part anew, as far as their members and folds are there, and compare."""
    by_index, found = {fold.index: fold for fold in part.folds}, []
    for model in dict.fromkeys(fit.model for fit in wanted if fit.model in part.walk.members):
        own = {fit.fold: fit for fit in wanted if fit.model == model and fit.fold in by_index}
        walk = replace(part.walk, members={model: part.walk.members[model]})
        for result in _fitted(anew.fitting, walk, [by_index[fold] for fold in own]):
            exact = anew.exact and not part.walk.members[model].wants_gpu
            found.append(_compared(own[result.fold], anew.contents.values(own[result.fold]), result, exact))
    return sorted(found, key=lambda spot: (spot.part != PARTS[0], spot.model, spot.fold))


def _fitted(fitting: Fitting, walk: WalkForward, folds: Sequence[Fold]) -> list[FitResult]:
    """Return these fits; one that fails is without predictions."""
    if not folds:
        return []
    try:
        return fitting.run(walk, folds)
    except FitError as e:
        if len(folds) > 1:
            return [result for fold in folds for result in _fitted(fitting, walk, [fold])]
        nothing = np.full(len(folds[0].test), math.nan)
        return [FitResult(next(iter(walk.members)), folds[0].index, nothing, error=str(e))]


def _compared(fit: Fit, told: Mapping[str, Floats], result: FitResult, exact: bool) -> Spot:
    """Hold a fit against the bundle's."""
    outputs = {} if result.error else result.outputs
    now = {f"{fit.model}/{name}": values for name, values in outputs.items() if not name.startswith(SHUFFLED)}
    now[fit.model] = result.predictions
    differing, largest = 0, 0.0
    nothing = np.full(fit.rows, math.nan)
    for name in {**told, **now}:
        before, here = told.get(name, nothing), now.get(name, nothing)
        unequal = (before.view(np.int64) != here.view(np.int64)) & ~(np.isnan(before) & np.isnan(here))
        differing += int(unequal.sum())
        if unequal.any():
            distance = np.abs(before - here)[unequal]
            largest = max(largest, float("inf") if np.isnan(distance).any() else float(distance.max()))
    apart = _apart(told[fit.model], result.predictions) if differing else 0.0
    within = not differing or (math.isfinite(largest) and apart <= TOLERANCE)
    agrees = not differing if exact else within
    return Spot(fit.part, fit.model, fit.fold, fit.rows, differing, largest, apart, exact, agrees)


def _apart(before: Floats, now: Floats) -> float:
    """Return the root mean square distance in standard deviations; infinite, where there is none to compare with."""
    distance, spread = float(np.sqrt(np.mean((before - now) ** 2))), float(np.std(now))
    if not distance:
        return 0.0
    return distance / spread if spread > 0 and math.isfinite(distance) else math.inf
