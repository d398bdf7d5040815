"""One surrogate, decided and judged as a run and its promotion would be; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from quorate.bars.panel import FIELDS, PRICES, Bars
from quorate.evidence.evidence import Earlier, Evidence, Tried
from quorate.evidence.judging import Measured, run_gates
from quorate.evidence.result import GateResult, finite_or_none
from quorate.plugins.registry import Registry
from quorate.plugins.specs import EnsemblerSpec, FeatureSpec, GateSpec, StrategySpec
from quorate.recipe.schema import Recipe
from quorate.runs.prove.forecast import planted
from quorate.runs.prove.market import surrogate
from quorate.trading.carry import rates_of
from quorate.trading.strategy import LIMIT
from quorate.walkforward.findings import Judged, PartName, evidence_of
from quorate.walkforward.layout import WalkForward, holdout_start, prepare
from quorate.walkforward.part import own_tried
from quorate.walkforward.series import Series, decide_all, decide_judged, judge_span

# Of what no planted forecast has: fits, an audit, symbols held out, quantiles, factors of the same days.
WITHOUT = ("null-market", "unseen-symbols", "coverage", "factor-alpha")
BEFORE = ("sample-size", "cost-stress")  # of a holdout they judge the walk-forward, too
BY_NOW = ("selection",)  # of a holdout it judges the walk-forward again, by what is tried in between: here nothing
YEARS, COSTS = 2.0, 0.5  # of the remedies
# They look at the judged series and at nothing else; who misses one of them is known before all others are traded.
ALONE = ("sharpe", "psr", "alpha", "halves", "cost-stress", "sample-size", "win-rate", "concentration", "max-drawdown")
ONE = Tried(1, 1.0)
ANOTHER = {"ensemble.method", "strategy.name"}  # keys of a recipe that have another of its candidates judged
Keys = tuple[tuple[str, str], ...]
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
    instead : tuple of (str, str)
        Keys of the recipe by which another of its candidates is judged, with their values.
    """

    draw: int
    strength: float
    years: float = 0.0
    costs: float = 1.0
    brief: bool = False
    instead: Keys = ()


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
    instead : tuple of (str, str)
        As of `Case`: what a gate of the walk-forward says should be judged, because it is clearly better.
    """

    sharpe: float | None
    development: tuple[str, ...]
    holdout: tuple[str, ...]
    one_trial: bool
    instead: Keys = ()


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
    return with_mean_rates(recipe, bars).model_copy(update={"features": recipe.features.model_copy(update=changed)})


def with_mean_rates(recipe: Recipe, bars: Bars) -> Recipe:
    """Return the recipe with the means of what covariates tell of borrowing and funding, and without cash.

    Surrogates are drawn without drift: what they earn is in excess of cash as it is.
    """
    rates = rates_of(bars, None, recipe.costs.borrow, recipe.costs.funding)
    means = {} if rates is None else {name: float(np.nanmean(getattr(rates, name))) for name in ("borrow", "funding")}
    costs = recipe.costs.model_copy(update=means)
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"cash": None}), "costs": costs})


def judging(recipe: Recipe, registry: Registry, keys: Keys) -> Recipe:
    """Return the recipe with other values of the keys; what they name has the options by which it was compared."""
    for key, name in keys:
        if key == "ensemble.method":
            changed = {"method": name, "params": dict(registry.get(EnsemblerSpec, name).params)}
            recipe = recipe.model_copy(update={"ensemble": recipe.ensemble.model_copy(update=changed)})
        else:
            limits = {key: values for key, values in recipe.strategy.grid.items() if key.startswith(LIMIT)}
            changed = {"name": name, "params": dict(registry.get(StrategySpec, name).params), "grid": limits}
            recipe = recipe.model_copy(update={"strategy": recipe.strategy.model_copy(update=changed)})
    return recipe


def judged(bench: Bench, registry: Registry, case: Case) -> Drawn:
    """Make the surrogate, plant the forecasts, and ask the gates."""
    walk, start = _laid_out(bench, registry, case)
    forecasts = planted(walk, case.strength, seed_of(bench, case))
    first, gates = walk.folds[0].first, asked(bench.recipe, registry)
    left = gates
    if case.brief:
        alone = _evidence(bench, walk, [decide_judged(walk, forecasts)], "development", (first, start))
        if found := _first_missed({name: gates[name] for name in ALONE if name in gates}, alone, registry):
            return Drawn(finite_or_none(alone.metric("sharpe")), _names(found), (), False)
        left = {name: params for name, params in gates.items() if name not in ALONE}
    series, _ = decide_all(walk, forecasts)
    evidence = _evidence(bench, walk, series, "development", (first, start))
    results = (_first_missed if case.brief else _missed)(left, evidence, registry)
    missed, once = _names(results), replace(evidence, trials=ONE)
    # With one trial gates that passed would pass, too; of brief cases it is not known which did.
    again = left if missed and case.brief else {name: gates[name] for name in missed}
    one_trial = not {*missed} & {*ALONE} and not _first_missed(again, once, registry)
    beyond: tuple[str, ...] = ()
    if missed and one_trial:
        one_trial = start == len(walk.bars) or not _held(bench, walk, series, start, gates, once)
    elif not missed and start < len(walk.bars):
        beyond = _held(bench, walk, series, start, gates, evidence)
        one_trial = not beyond
    return Drawn(finite_or_none(evidence.metric("sharpe")), missed, beyond, one_trial, _instead(results))


def _instead(results: Sequence[GateResult]) -> Keys:
    """Return what a gate says should be judged; nothing, if none does."""
    told = [one.inputs.get("instead") for one in results]
    found = [keys for keys in told if isinstance(keys, Mapping) and keys and {*keys} <= ANOTHER]
    return tuple(sorted(found[0].items())) if found else ()


def _held(
    bench: Bench, walk: WalkForward, series: list[Series], start: int, gates: Gates, before: Evidence
) -> tuple[str, ...]:
    """Return the gates that the holdout misses; that its walk-forward passed is known."""
    trials = before.trials or ONE
    asked_before = run_gates({name: gates[name] for name in BEFORE if name in gates}, before, walk.registry)
    earlier = Earlier({one.gate: one for one in asked_before}, trials)
    held = _evidence(bench, walk, series, "holdout", (start, len(walk.bars)))
    again = {name: params for name, params in gates.items() if name not in BY_NOW}
    return _names(_missed(again, replace(held, trials=trials, earlier=earlier), walk.registry))


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
    walk = prepare(judging(bench.recipe, registry, case.instead), registry, bars, parts)
    members = {name: walk.members[name] for name in walk.voting}
    return replace(walk, members=members, trading=walk.trading.dearer(case.costs)), start


def _evidence(
    bench: Bench, walk: WalkForward, series: list[Series], part: PartName, bounds: tuple[int, int]
) -> Evidence:
    """Return what the gates see of a part of a surrogate."""
    traded = judge_span(walk, series, *bounds)
    own, hold = (Measured(performance, walk.registry) for _, performance in (traded[0], traded[-1]))
    folds = [fold for fold in walk.folds if bounds[0] <= fold.first < bounds[1]]
    outcome = Judged(walk, folds, bounds, np.empty((0, 0)), [], traded, [{}, {}], {})
    mine, before = own_tried({s.label: p for s, p in traded if s.candidate}), bench.trials
    return replace(
        evidence_of(part, outcome),
        _metrics=own,
        _benchmark_metrics=hold,
        trials=Tried(mine.n + before.n, mine.effective + before.effective),
        look=bench.look if part == "holdout" else 0,
    )


def _missed(gates: Gates, evidence: Evidence, registry: Registry) -> list[GateResult]:
    """Return what the required gates say that did not pass."""
    results = run_gates(gates, evidence, registry)
    return [one for one in results if one.required and one.verdict != "PASS"]


def _first_missed(gates: Gates, evidence: Evidence, registry: Registry) -> list[GateResult]:
    """Return what one required gate says that did not pass; none, if all passed.

    Those that resample are asked last, by name: so the confidence set, which draws once, comes before `spa`.
    """

    def late(name: str) -> str:
        return name if {"draws", "blocks"} & {*gates[name]} else ""

    for name in sorted(gates, key=late):
        if missed := _missed({name: gates[name]}, evidence, registry):
            return missed
    return []


def _names(results: Sequence[GateResult]) -> tuple[str, ...]:
    return tuple(sorted(one.gate for one in results))
