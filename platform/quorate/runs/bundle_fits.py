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
from quorate.runs.reproduce import as_known, as_then, differences_of, has_rules_of_today
from quorate.statistics import Floats
from quorate.walkforward import part as parts
from quorate.walkforward.layout import WalkForward
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
    """Fits that are known already: those of the bundle, in place of any that would be done; others are done."""

    given: Mapping[tuple[str, int], FitResult] = field(default_factory=dict)

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
        """Return the given fits of these members and folds."""
        asked = [(name, fold.index) for name in walk.members for fold in folds]
        if self.given.keys() >= {*asked}:
            return [self.given[one] for one in asked]
        return super().run(walk, folds, meanwhile, keep=keep, starts=starts, in_sample=in_sample)


@dataclass(eq=False)
class Anew:
    """A bundle's run, computed anew as far as it can be.

    Parameters
    ----------
    contents, report, opened, bars
        The bundle, its report, what can be computed of it, and its bars.
    wanted : sequence of Fit
        Which fits are computed anew. Where these are all, and exact, figures come from them, else from the bundle's.
    fitting : Fitting
        Where fits are done; nothing is taken from a home.
    clock : Clock
        Hears of stages.
    exact : bool
        Whether libraries and processor are those of the run.
    same_rules : bool
        Whether this version of quorate is; another may reckon figures otherwise.
    """

    contents: Contents
    report: Report
    opened: Opened
    bars: Bars
    wanted: Sequence[Fit]
    fitting: Fitting
    clock: Clock
    exact: bool
    same_rules: bool
    faults: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    keys: int = 0
    _earlier: Floats | None = None

    def compute(self) -> None:
        """Lay out the parts of the run one after the other, and hold keys, fits and figures against the bundle's."""
        for name in (name for name in PARTS if self.report.results[name]):
            laid = self._laid_out(name)
            if not self._fits_in(name, laid):
                self.unchecked.append(f"fits and figures of the {name}, whose rows are others, were not computed anew")
                return
            self.keys += keys_anew(self, name, laid)
            done = spots_anew(self, name, laid)
            if self.opened.whole:
                self._hold_against(name, laid, done)

    def _laid_out(self, name: str) -> parts.LaidOut:
        session = self.opened.session
        assert session is not None
        lay_out = parts.lay_out_development if name == "development" else parts.lay_out_holdout
        return lay_out(session.recipe, session.registry, self.bars, self.clock)

    def _fits_in(self, name: str, laid: parts.LaidOut) -> bool:
        """Whether the bundle has predictions of just the rows that there are by the bars; what not, is told."""
        here = {fold.index: len(fold.test) for fold in laid.folds}
        told = dict(self.contents.folds[name])
        for fold in sorted({*here, *told}):
            if here.get(fold) != told.get(fold):
                self.faults.append(
                    f"{name}, fold {fold} has {told.get(fold, 0):,} rows in the bundle, and {here.get(fold, 0):,} by "
                    "its bars and recipe"
                )
        return here == told

    def _given(self, name: str) -> dict[tuple[str, int], FitResult]:
        """Return the bundle's fits of a part as results."""
        results = {}
        for fit in (fit for fit in self.contents.fits if fit.part == name):
            outputs = self.contents.values(fit)
            own = outputs.pop(fit.model)
            outputs = {} if fit.error else {key.removeprefix(f"{fit.model}/"): one for key, one in outputs.items()}
            results[fit.model, fit.fold] = FitResult(fit.model, fit.fold, own, outputs, fit.key, error=fit.error)
        return results

    def _hold_against(self, name: str, laid: parts.LaidOut, done: Mapping[tuple[str, int], FitResult]) -> None:
        """Note how the figures of a part are other than the report's."""
        given = self._given(name)
        every = done.keys() >= given.keys() and all(spot.exact for spot in self.spots)
        beyond = [] if every else self._without_predictions(name, laid)
        if not every:
            laid = replace(laid, splits={}, walk=replace(laid.walk, unseen=None))
        fitting = Given(self.fitting.executor, self.fitting.progress, given=done if every else given)
        known = as_known(self.report, name)
        if name == "development":
            part = parts.development(laid, fitting, self.clock, known)
        elif self._earlier is None:
            return
        else:
            part = parts.go_on(laid, self.bars, self._earlier, fitting, self.clock, known)
        self._earlier = part.predictions
        told = dict(self.report.results[name])
        now = as_then(told, part.section)
        for one in (told, now):
            one["gates"] = [gate for gate in one["gates"] if gate["gate"] not in beyond]
            for key in (*APART, *(["verdict", "unseen"] if beyond else []), *([] if self.exact else ["digests"])):
                one.pop(key, None)
        lines = list(differences_of(told, now, name, 0.0 if self.exact else FIGURES))
        lines.sort(key=lambda line: not line.startswith(f"{name}.digests"))  # which say it of all predictions at once
        if lines and not (self.same_rules and has_rules_of_today(self.report.results[name])):
            self.unchecked.append(
                f"figures of the {name} were reckoned by another version of quorate: {len(lines):,} are others by this "
                f"one, the first: {lines[0]}"
            )
            return
        self.faults += [f"the report is not what its predictions come to: {line}" for line in lines[:MOST]]
        if len(lines) > MOST:
            self.faults.append(f"and {len(lines) - MOST:,} other figures of the {name}")
        self.figures.append(name)

    def _without_predictions(self, name: str, laid: parts.LaidOut) -> list[str]:
        """Return the gates that judge more than the bundle's predictions, and note that they are not checked."""
        session = self.opened.session
        assert session is not None
        specs = {gate: session.registry.get(GateSpec, gate) for gate in session.recipe.gates.judging}
        beyond = [gate for gate, spec in specs.items() if spec.paths and name in spec.parts]
        if laid.walk.unseen is not None:
            beyond.append("unseen-symbols")
        if beyond:
            self.unchecked.append(
                f"{', '.join(map(repr, beyond))} of the {name} take fits or rows that are not in the bundle: "
                f"with --spot {len(self.contents.fits)}, all fits, they are computed, too, where libraries and "
                "processor are those of the run"
            )
        return beyond


def keys_anew(anew: Anew, name: str, laid: parts.LaidOut) -> int:
    """Return how many fits of a part have the key that bars and recipe give; others are faults.

    A key covers the processor and the libraries, and the device of a fit: elsewhere it is another one, and not asked.
    """
    if not anew.exact:
        return 0
    tasks, _ = anew.fitting.tasks(laid.walk, laid.folds)
    keys = {(task.model, task.fold): task.key for task in reversed(tasks)}  # of several seeds the first
    same = 0
    for fit in anew.contents.fits:
        key = keys.get((fit.model, fit.fold)) if fit.part == name and not fit.error else None
        if key is None or laid.walk.members[fit.model].wants_gpu:
            continue
        if key == fit.key:
            same += 1
        else:
            told = f"{fit.key[:12]}, and by its bars and recipe it is {key[:12]}"
            anew.faults.append(f"the fit of {fit} has the key {told}")
    return same


def spots_anew(anew: Anew, name: str, laid: parts.LaidOut) -> dict[tuple[str, int], FitResult]:
    """Compute the wanted fits of a part anew, as far as their members are there, note how they compare, return them."""
    by_index, done = {fold.index: fold for fold in laid.folds}, {}
    wanted = [fit for fit in anew.wanted if fit.part == name]
    for model in dict.fromkeys(fit.model for fit in wanted if fit.model in laid.walk.members):
        own = {fit.fold: fit for fit in wanted if fit.model == model}
        walk = replace(laid.walk, members={model: laid.walk.members[model]})
        exact = anew.exact and not laid.walk.members[model].wants_gpu
        for result in _fitted(anew.fitting, walk, [by_index[fold] for fold in sorted(own)]):
            done[model, result.fold] = result
            fit = own[result.fold]
            anew.spots.append(_compared(fit, anew.contents.values(fit), result, exact))
    return done


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
