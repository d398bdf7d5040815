"""One part of a run, development or holdout, computed and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.errors import DataError
from quorate.evidence.evidence import Earlier, Performance, Tried
from quorate.evidence.judging import measure, run_gates
from quorate.execution.progress import Clock
from quorate.execution.task import FitResult
from quorate.plugins.registry import Registry
from quorate.recipe.schema import Recipe
from quorate.statistics import Floats
from quorate.store.kept import KeptArrays
from quorate.trading import accounts
from quorate.walkforward.alone import alone_in, silenced
from quorate.walkforward.distribution import Distribution, around, distributions
from quorate.walkforward.findings import Judged, PartName, digests_of, evidence_of, section_of
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.members import Fitting, collect
from quorate.walkforward.outlook import remedy_if_refused
from quorate.walkforward.paths import Key, Splits, lay_out, paths_of, voters
from quorate.walkforward.series import Series, decide_all, judge_span
from quorate.walkforward.tables import frames_of
from quorate.walkforward.training import trainings
from quorate.walkforward.unseen import on_unseen


@dataclass(frozen=True, eq=False)
class LaidOut:
    """All that is to be fitted for a part, laid out and audited.

    Parameters
    ----------
    walk : WalkForward
        Rows and folds.
    folds : sequence of Fold
        Those of this part.
    splits : mapping of Key to Splits
        What gates ask for beside them.
    """

    walk: WalkForward
    folds: Sequence[Fold]
    splits: Mapping[Key, Splits]

    @property
    def work(self) -> list[tuple[WalkForward, Sequence[Fold]]]:
        """What is fitted on which folds, in this order."""
        asked = [voters(self.walk, one) for one in self.splits.values() if one.found]
        return [(self.walk, self.folds), *((walk, walk.folds) for walk in asked)]


@dataclass(frozen=True, eq=False)
class Part:
    """A judged part.

    Parameters
    ----------
    section : dict
        For the report.
    frames : mapping of DataFrame
        For Parquet, each made when it is asked for.
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions of this part and those before it.
    walk : WalkForward
        Rows and folds.
    fits : list of FitResult
        This part's.
    before : dict
        Digests of the features and decisions before this part began: the part before must have had
        the same.
    trainings : list of dict
        How the training of each model went that tells.
    """

    section: dict[str, Any]
    frames: Mapping[str, pd.DataFrame]
    predictions: Floats
    walk: WalkForward
    fits: list[FitResult]
    before: dict[str, str]
    trainings: list[dict[str, Any]]


def own_tried(candidates: Mapping[str, Performance]) -> Tried:
    """Count the candidates of this run alone, as if nothing had been tried before."""
    distinct = {p.returns.tobytes(): p.returns for p in candidates.values() if p.returns.any()}
    if not distinct:  # what never traded was no try
        return Tried(0, 0.0)
    return Tried(len(distinct), statistics.effective_trials(np.column_stack(list(distinct.values()))))


@dataclass(frozen=True)
class Known:
    """What the home knows beside recipe and data; with them it makes the evidence, so a run keeps it.

    Parameters
    ----------
    count : callable
        From the candidates, by name, to how much was tried, these included.
    null_market : mapping or None
        What the audit of this pipeline found on markets without anything to find.
    look : int
        Which look at the holdout it is; 0 before it.
    earlier : Earlier, optional
        Of a holdout: the walk-forward before it.
    """

    count: Callable[[Mapping[str, Performance]], Tried] = own_tried
    null_market: Mapping[str, Any] | None = None
    look: int = 0
    earlier: Earlier | None = None


def lay_out_development(
    recipe: Recipe, registry: Registry, bars: Bars, clock: Clock, kept: KeptArrays | None = None
) -> LaidOut:
    """Lay out the walk-forward before the holdout; bars from there on are cut off first."""
    stop = holdout_start(bars, recipe)
    with clock.stage("features"):
        seen = bars.until(stop)
        try:
            walk = prepare(recipe, registry, seen, [(0, stop)], kept)
        except DataError as e:
            if remedy := remedy_if_refused(recipe, registry, seen):
                raise DataError(f"{e}{remedy}") from e
            raise
        return LaidOut(walk, walk.folds, lay_out(walk))


def development(laid: LaidOut, fitting: Fitting, clock: Clock, known: Known | None = None) -> Part:
    """Compute the walk-forward before the holdout.

    Parameters
    ----------
    known : Known, optional
        What was tried before; default: nothing.
    """
    bounds = laid.folds[0].first, len(laid.walk.bars)
    return _part("development", laid, bounds, None, fitting, clock, known or Known())


def lay_out_holdout(
    recipe: Recipe, registry: Registry, bars: Bars, clock: Clock, kept: KeptArrays | None = None
) -> LaidOut:
    """Lay out the folds that continue the walk-forward through the holdout."""
    start = holdout_start(bars, recipe)
    with clock.stage("features"):
        walk = prepare(recipe, registry, bars, [(0, start), (start, len(bars))], kept)
    return LaidOut(walk, [fold for fold in walk.folds if fold.first >= start], {})


def holdout(
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    earlier: Floats,
    fitting: Fitting,
    clock: Clock,
    known: Known | None = None,
) -> Part:
    """Continue the same walk-forward through the holdout; `earlier` are the development's predictions."""
    return go_on(lay_out_holdout(recipe, registry, bars, clock, fitting.arrays), bars, earlier, fitting, clock, known)


def go_on(
    laid: LaidOut, bars: Bars, earlier: Floats, fitting: Fitting, clock: Clock, known: Known | None = None
) -> Part:
    """Compute a holdout that is laid out, see `holdout`; `bars` are those of all symbols."""
    bounds = holdout_start(bars, laid.walk.recipe), len(bars)
    return _part("holdout", laid, bounds, earlier, fitting, clock, known or Known())


def _part(
    name: PartName,
    laid: LaidOut,
    bounds: tuple[int, int],
    earlier: Floats | None,
    fitting: Fitting,
    clock: Clock,
    known: Known,
) -> Part:
    walk, folds, wanted = laid.walk, laid.folds, laid.splits
    recipe, registry = walk.recipe, walk.registry
    first, stop = bounds
    with clock.stage("fits"):
        fits = fitting.run(walk, folds, _load_what_follows, keep=True)
    paths = {}
    if wanted:
        with clock.stage("paths"):
            paths = paths_of(walk, wanted, fitting)
    fitting.over()
    with clock.stage("ensemble"):
        predictions = collect(walk, fits, earlier)
        series, ensembles = decide_all(walk, predictions, first)
    with clock.stage("backtest"):
        spread = {**_around(walk, series[0]), **distributions(walk, fits, predictions)}
        judged = judge_span(walk, series, first, stop, spread)
    with clock.stage("evidence"):
        trials = known.count({s.label: p for s, p in judged if s.candidate})
        measured = [measure(performance, registry) for _, performance in judged]
        outcome = Judged(walk, folds, (first, stop), predictions, fits, judged, measured, ensembles, spread)
        found = on_unseen(name, outcome, trials, known.null_market, known.look, paths)
        own, lone = evidence_of(name, outcome), alone_in(walk, outcome.rows)
        evidence = replace(
            own,
            trials=trials,
            null_market=known.null_market,
            look=known.look,
            earlier=known.earlier,
            _paths=paths,
            unseen=found.evidence,
        )
        section = {
            **section_of(outcome, silenced(run_gates(recipe.gates.judging, evidence, registry), lone.reason)),
            **found.section,
            "trials": {"n": trials.n, "effective": trials.effective},
            **_by_now(known.earlier),
            **({"null_market": dict(known.null_market)} if known.null_market else {}),
        }
        frames = frames_of(name, outcome, found.frames)
        alone = {s.name: p for s, p in judged if s.role in ("member", "baseline")}
        learnt = trainings(fits, alone, frames["skill"])
    before = digests_of(walk, series[0], walk.folds[0].first, first)
    return Part(section, frames, predictions, walk, fits, before, learnt)


def _by_now(earlier: Earlier | None) -> dict[str, Any]:
    """Return how much was tried on the days of the walk-forward by now, for the report of a holdout."""
    if earlier is None:
        return {}
    return {"trials_before": {"n": earlier.trials.n, "effective": earlier.trials.effective}}


def _around(walk: WalkForward, judged: Series) -> dict[str, Distribution]:
    """Return the quantiles of the judged ensemble, if it has some."""
    found = around(walk, judged.predictions)
    return {} if found is None else {judged.name: found}


def _load_what_follows() -> None:
    """Import, while workers fit, what is needed after the fits."""
    accounts.load()
    statistics.load()
