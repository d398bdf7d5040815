"""One surrogate, decided and judged as a run and its promotion would be; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quorate.bars.panel import FIELDS, PRICES, Bars
from quorate.evidence.evidence import Earlier, Evidence, Tried
from quorate.evidence.judging import measure, run_gates
from quorate.evidence.result import finite_or_none
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, GateSpec
from quorate.recipe.schema import Recipe
from quorate.runs.prove.forecast import planted
from quorate.runs.prove.market import surrogate
from quorate.walkforward.findings import Judged, PartName, evidence_of
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.part import own_tried
from quorate.walkforward.series import Series, decide_all, judge_span

# Of what no planted forecast has: fits, an audit, symbols held out, quantiles.
WITHOUT = ("null-market", "unseen-symbols", "coverage")
BEFORE = ("sample-size", "cost-stress")  # of a holdout they judge the walk-forward, too
BY_NOW = ("selection",)  # of a holdout it judges the walk-forward again, by what is tried in between: here nothing
YEARS, COSTS = 2.0, 0.5  # of the remedies
ONE = Tried(1, 1.0)
Gates = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Case:
    """A surrogate to judge.

    Parameters
    ----------
    draw : int
        Its number: the same one is the same market and the same noise in every case.
    strength : float
        Of the forecasts, see `correlation_of`.
    years : float
        More years of bars than there are.
    costs : float
        Factor of fees and slippage.
    brief : bool
        Whether it is enough to know that some gate was missed: one of them is told then.
    """

    draw: int
    strength: float
    years: float = 0.0
    costs: float = 1.0
    brief: bool = False


@dataclass(frozen=True)
class Drawn:
    """What became of it.

    Parameters
    ----------
    sharpe : float or None
        Annual, after costs, of the judged series over the walk-forward.
    development, holdout : tuple of str
        Required gates that it did not pass; of the holdout, which is opened only after a walk-forward that passed.
    one_trial : bool
        Whether it would have passed all of them, had this been the only trial.
    """

    sharpe: float | None
    development: tuple[str, ...]
    holdout: tuple[str, ...]
    one_trial: bool


@dataclass(frozen=True)
class Bench:
    """All that judging needs beside a case; it travels to other processes.

    Parameters
    ----------
    recipe : Recipe
        Resolved, with one feature.
    bars : Bars
        Without symbols that are held out.
    block : float
        Mean block of the surrogates, in bars.
    trials : Tried
        What the home knows to have been tried before.
    look : int
        Which look at the holdout a promotion would be.
    """

    recipe: Recipe
    bars: Bars
    block: float
    trials: Tried
    look: int


def lean(recipe: Recipe, registry: Registry, bars: Bars) -> Recipe:
    """Return the recipe with one feature: rows begin where they do, and no forecast here reads more."""
    plain = {*FIELDS} if bars.has_volume else {*PRICES}
    names = [*recipe.features.use, *registry.names("feature")]
    specs = [registry.get(FeatureSpec, name) for name in names]
    usable = [s for s in specs if {*s.inputs} <= plain and not s.frequency and not s.cross_sectional]
    own = [s for s in usable if s.name in recipe.features.use]
    chosen = max(own, key=lambda s: s.lookback) if own else min(usable, key=lambda s: s.lookback)
    changed = {"use": [chosen.name], "categories": [], "transforms": {}}
    return recipe.model_copy(update={"features": recipe.features.model_copy(update=changed)})


def judged(bench: Bench, registry: Registry, case: Case) -> Drawn:
    """Make the surrogate, plant the forecasts, and ask the gates."""
    walk, start = _laid_out(bench, registry, case)
    first, gates = walk.folds[0].first, asked(bench.recipe, registry)
    series, _ = decide_all(walk, planted(walk, case.strength, seed_of(bench, case)), first)
    evidence = _evidence(bench, walk, series, "development", (first, start))
    missed = _first_missed(gates, evidence, registry) if case.brief else _missed(gates, evidence, registry)
    once = replace(evidence, trials=ONE)
    # With one trial gates that passed would pass, too.
    one_trial = not _first_missed({name: gates[name] for name in missed}, once, registry)
    beyond: tuple[str, ...] = ()
    if not case.brief and missed and one_trial:
        one_trial = start == len(walk.bars) or not _held(bench, walk, series, start, gates, once)
    elif not missed and start < len(walk.bars):
        beyond = _held(bench, walk, series, start, gates, evidence)
        one_trial = not beyond
    return Drawn(finite_or_none(evidence.metric("sharpe")), missed, beyond, one_trial)


def _held(
    bench: Bench, walk: WalkForward, series: list[Series], start: int, gates: Gates, before: Evidence
) -> tuple[str, ...]:
    """Return the gates that the holdout misses; that its walk-forward passed is known."""
    trials = before.trials or ONE
    asked_before = run_gates({name: gates[name] for name in BEFORE if name in gates}, before, walk.registry)
    earlier = Earlier({one.gate: one for one in asked_before}, trials)
    held = _evidence(bench, walk, series, "holdout", (start, len(walk.bars)))
    again = {name: params for name, params in gates.items() if name not in BY_NOW}
    return _missed(again, replace(held, trials=trials, earlier=earlier), walk.registry)


def seed_of(bench: Bench, case: Case) -> int:
    """Return what a surrogate and its forecasts are drawn with."""
    return bench.recipe.seed + 1_000 * (case.draw + 1)


def asked(recipe: Recipe, registry: Registry) -> Gates:
    """Return the gates of a recipe that surrogates can be asked of."""
    judging = recipe.gates.judging
    return {k: v for k, v in judging.items() if k not in WITHOUT and not registry.get(GateSpec, k).paths}


def _laid_out(bench: Bench, registry: Registry, case: Case) -> tuple[WalkForward, int]:
    """Return the walk-forward of a surrogate through its holdout, by its members that vote, and where that begins."""
    known = holdout_start(bench.bars, bench.recipe)
    total = len(bench.bars) + round(case.years * bench.bars.bars_per_year)
    bars = surrogate(bench.bars, known, total, bench.block, seed_of(bench, case))
    start = holdout_start(bars, bench.recipe)
    parts = [(0, start), (start, total)] if start < total else [(0, total)]
    walk = prepare(bench.recipe, registry, bars, parts)
    members = {name: walk.members[name] for name in walk.voting}
    return replace(walk, members=members, trading=walk.trading.dearer(case.costs)), start


def _evidence(
    bench: Bench, walk: WalkForward, series: list[Series], part: PartName, bounds: tuple[int, int]
) -> Evidence:
    """Return what the gates see of a part of a surrogate."""
    traded = judge_span(walk, series, *bounds)
    measured = [measure(performance, walk.registry) for _, performance in (traded[0], traded[-1])]
    folds = [fold for fold in walk.folds if bounds[0] <= fold.first < bounds[1]]
    outcome = Judged(walk, folds, bounds, np.empty((0, 0)), [], traded, measured, {})
    mine, before = own_tried({s.label: p for s, p in traded if s.candidate}), bench.trials
    return replace(
        evidence_of(part, outcome),
        trials=Tried(mine.n + before.n, mine.effective + before.effective),
        look=bench.look if part == "holdout" else 0,
    )


def _missed(gates: Gates, evidence: Evidence, registry: Registry) -> tuple[str, ...]:
    """Return the required gates that did not pass."""
    results = run_gates(gates, evidence, registry)
    return tuple(sorted(one.gate for one in results if one.required and one.verdict != "PASS"))


def _first_missed(gates: Gates, evidence: Evidence, registry: Registry) -> tuple[str, ...]:
    """Return one required gate that did not pass, those that resample asked last; none, if all passed."""
    for name in sorted(gates, key=lambda name: bool({"draws", "blocks"} & {*gates[name]})):
        if missed := _missed({name: gates[name]}, evidence, registry):
            return missed
    return ()
