"""The arithmetic of one run, from bars to performances; it stores nothing and prints nothing.

1. Bars are cut before the holdout, unless the holdout is what is asked for.
2. Features and labels become the dataset; walk-forward folds are laid over it and audited.
3. Every member is fitted on every fold; test rows get out-of-fold predictions.
4. Ensembles combine them with weights from rows whose label had ended.
5. Strategies turn scores into desired weights, with a threshold per fold chosen the same way.
6. The backtest trades them at the next bar; metrics measure, gates judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quorate import folds as fold_module
from quorate.audit import audit_costs, audit_rows, audit_strategy
from quorate.backtest import Trading, backtest, check_cost, gone_after
from quorate.bars import Bars
from quorate.dataset import NEVER, Dataset, Labels, build_dataset, build_labels
from quorate.decide import Decisions, ThresholdRule, decide, score_of, share_of_capital, to_panel
from quorate.ensemble import combine
from quorate.errors import DataError, PluginError, QuorateError
from quorate.evidence import Performance
from quorate.folds import Fold
from quorate.recipe.schema import Recipe
from quorate.registry import Registry
from quorate.specs import EnsemblerSpec, FeatureSpec, LabelSpec, ModelSpec, Span, StrategySpec

Floats = NDArray[np.float64]
Role = Literal["ensemble", "alternative", "member", "baseline", "benchmark"]


@dataclass(frozen=True, eq=False)
class Series:
    """One series that was traded: an ensemble, a member, a baseline, or buy and hold."""

    name: str
    role: Role
    strategy: str
    predictions: Floats
    decisions: Decisions


@dataclass(frozen=True, eq=False)
class Study:
    """The rows and folds of a part of the history, and how its members are fitted.

    Parameters
    ----------
    recipe : Recipe
        Resolved, with secrets filled in nowhere.
    bars : Bars
        All that this part may know: up to the holdout, or everything.
    dataset : Dataset
        Rows of `bars`.
    folds : list of Fold
        All folds so far; the holdout's come after the development's.
    trading : Trading
        Fills, and what each bar's orders cost.
    """

    recipe: Recipe
    registry: Registry
    bars: Bars
    dataset: Dataset
    folds: list[Fold]
    members: dict[str, ModelSpec]
    binary: bool
    trading: Trading
    warnings: list[str] = field(default_factory=list)

    @property
    def voting(self) -> list[str]:
        """The members that the ensemble combines; the others are baselines."""
        return [name for name, spec in self.members.items() if not spec.baseline]


def holdout_start(bars: Bars, recipe: Recipe) -> int:
    """Return the position of the first bar of the holdout; the number of bars, if there is none.

    Raises
    ------
    DataError
        If the holdout would take all the history.
    """
    h = recipe.holdout
    if h.start is not None:
        start = int(np.searchsorted(bars.sessions, np.datetime64(h.start, "D")))
    elif h.bars is not None:
        start = len(bars) - h.bars
    else:
        start = len(bars) - round(len(bars) * (h.fraction or 0.0))
    if start <= 0:
        raise DataError(f"the holdout would take all {len(bars)} bars ({bars.span}): make it smaller")
    return start


def spans_of(recipe: Recipe, registry: Registry, bars: Bars, start: int = 0) -> list[Span]:
    """Ask the recipe's splitter which bars each fold predicts.

    Parameters
    ----------
    bars : Bars
        Cut where the folds end.
    start : int
        The first bar that may be predicted.

    Raises
    ------
    PluginError
        If the splitter breaks its contract.
    """
    splitter = registry.get("splitter", recipe.folds.splitter)
    try:
        spans = [Span(*span) for span in splitter.resolve()(bars.sessions, start, **recipe.folds.options)]
    except QuorateError:
        raise
    except Exception as e:
        raise PluginError(f"splitter {splitter.name!r} failed on {len(bars)} bars: {type(e).__name__}: {e}") from e
    fold_module.check_spans(spans, len(bars), start, splitter.name)
    return spans


def prepare(recipe: Recipe, registry: Registry, bars: Bars, parts: Sequence[tuple[int, int]]) -> Study:
    """Lay out rows and folds.

    Parameters
    ----------
    bars : Bars
        Cut where this study must stop knowing.
    parts : sequence of (start, stop)
        Where bars may be predicted: up to the holdout, and after that perhaps in it.

    Raises
    ------
    DataError
        If there is nothing to train on or to predict.
    PluginError
        If a feature or label breaks its contract.
    IntegrityError
        If a feature or label looks ahead, or a training label reaches into a test span.
    """
    label = registry.get("label", recipe.labels.name)
    assert isinstance(label, LabelSpec)
    members = {name: _model(registry, name, recipe) for name in recipe.models}
    features, warnings = _features(recipe, registry, bars)
    history = max(m.lookback for m in members.values())
    window = max((m.lookback for m in members.values() if m.input == "windows"), default=0)

    def labels(known: Bars) -> Labels:
        return build_labels(known, label, recipe.labels.horizon, recipe.backtest.fill, recipe.labels.params)

    def build(known: Bars) -> Dataset:
        return build_dataset(known, features, labels(known), history, window)

    spans = [spans_of(recipe, registry, bars.take(0, stop), start) for start, stop in parts]
    dataset = build(bars)
    first = spans[-1][0].first
    audit_rows(bars, dataset, build, labels, first)
    trading = _trading(recipe, registry, bars)
    audit_costs(recipe.costs.model, trading, partial(_trading, recipe, registry), bars, first)
    folds: list[Fold] = []
    for part in spans:
        folds += fold_module.walk_forward(dataset.bar, dataset.end, part, len(folds))
    if not folds or folds[-1].first < first:
        span = bars.take(first, len(bars)).span
        raise DataError(f"there is no row to predict in {span}: no symbol has all its features there")
    fold_module.audit_folds(folds, dataset.bar, dataset.end)
    fold_module.check_training(folds, dataset.y, bars.sessions, label.task == "classification")
    return Study(recipe, registry, bars, dataset, folds, members, label.task == "classification", trading, warnings)


def _trading(recipe: Recipe, registry: Registry, bars: Bars) -> Trading:
    cost = registry.get("cost", recipe.costs.model)
    try:
        fees, slippage = cost.resolve()(bars, **recipe.costs.options)
    except QuorateError:
        raise
    except Exception as e:
        raise PluginError(f"cost model {cost.name!r} failed on {bars!r}: {type(e).__name__}: {e}") from e
    share = {name: check_cost(value, name, cost.name, bars) for name, value in (("fees", fees), ("slippage", slippage))}
    return Trading(recipe.backtest.fill, share["fees"], share["slippage"], recipe.backtest.capital)


def _model(registry: Registry, name: str, recipe: Recipe) -> ModelSpec:
    model = recipe.models[name]
    spec = registry.get("model", (model.plugin if model else None) or name)
    assert isinstance(spec, ModelSpec)
    return spec


def _features(recipe: Recipe, registry: Registry, bars: Bars) -> tuple[list[FeatureSpec], list[str]]:
    specs = [registry.get("feature", name) for name in recipe.features.use]
    features = [s for s in specs if isinstance(s, FeatureSpec)]
    if bars.has_volume:
        return features, []
    usable = [s for s in features if "volume" not in s.inputs]
    left = len(features) - len(usable)
    lack = int((bars.present & ~np.isfinite(bars.volume)).sum())
    if not usable:
        raise DataError(
            f"{lack} bars have no volume and every selected feature needs it: select others with features.use"
        )
    return usable, [f"{lack} bars have no volume: {left} features that need it are left out"] if left else []


def decide_all(study: Study, predictions: Floats) -> tuple[list[Series], dict[str, Floats]]:
    """Combine, choose thresholds and decide, for every series of the report; the judged one is first.

    Returns
    -------
    series : list of Series
    weights : dict
        Ensembler to its members' weights, (n_folds, n_members).
    """
    recipe = study.recipe
    names = list(study.members)
    voting = [names.index(name) for name in study.voting]
    combined: dict[str, Floats] = {}
    weights: dict[str, Floats] = {}
    for method in dict.fromkeys((recipe.ensemble.method, *recipe.ensemble.compare)):
        spec = study.registry.get("ensembler", method)
        assert isinstance(spec, EnsemblerSpec)
        params = recipe.ensemble.params if method == recipe.ensemble.method else spec.params
        combined[method], weights[method] = combine(
            spec, params, study.voting, predictions[:, voting], study.dataset, study.folds, study.binary
        )
    rows: list[tuple[str, Role, str, Floats]] = []
    for method, values in combined.items():
        for strategy in dict.fromkeys((recipe.strategy.name, *recipe.strategy.compare)):
            rows.append((method, "alternative" if rows else "ensemble", strategy, values))
    for j, (name, model) in enumerate(study.members.items()):
        role: Role = "baseline" if model.baseline else "member"
        rows.append((name, role, recipe.strategy.name, predictions[:, j]))
    plans = []
    for _, _, strategy, values in rows:
        spec_ = study.registry.get("strategy", strategy)
        assert isinstance(spec_, StrategySpec)
        params = recipe.strategy.params if strategy == recipe.strategy.name else spec_.params
        plans.append((spec_, params, to_panel(score_of(values, study.binary), study.dataset, study.bars)))
    threshold = recipe.threshold
    assert threshold.grid is not None
    assert threshold.default is not None
    judged_strategy, params, score = plans[0]
    audit_strategy(judged_strategy, params, [score], threshold.default, study.folds[0].first)
    rule = ThresholdRule(tuple(threshold.grid), threshold.default, threshold.min_bars)
    decisions = decide(plans, study.bars, study.dataset, study.folds, rule, study.trading)
    series = [
        Series(name, role, strategy, values, d)
        for (name, role, strategy, values), d in zip(rows, decisions, strict=True)
    ]
    return series, weights


def judge_span(study: Study, series: Sequence[Series], first: int, stop: int) -> list[tuple[Series, Performance]]:
    """Trade every series, and buy and hold, over bars `first` to ``stop - 1``, each with fresh capital."""
    span = study.bars.take(first, stop)
    hold = share_of_capital(span.present, gone_after(span))
    targets = np.stack([*(s.decisions.targets[first:stop] for s in series), hold], axis=2)
    nothing = np.full(len(study.dataset), np.nan)
    everything = [*series, Series("buy-and-hold", "benchmark", "hold", nothing, Decisions(hold, np.empty(0)))]
    inside = (study.dataset.bar >= first) & (study.dataset.bar < stop) & (study.dataset.end != NEVER)
    judged = []
    for one, result in zip(everything, backtest(span, targets, study.trading.take(first, stop)), strict=True):
        rows = inside & np.isfinite(one.predictions)
        performance = Performance(
            **vars(result),
            bars_per_year=span.bars_per_year,
            predictions=one.predictions[rows],
            labels=study.dataset.y[rows],
            binary=study.binary,
        )
        judged.append((one, performance))
    return judged
