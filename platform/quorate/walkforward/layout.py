"""The rows and folds of a recipe, laid out over bars and audited, before anything is fitted."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from quorate.bars.held_out import only, without
from quorate.bars.panel import Bars
from quorate.bars.resample import at_frequency
from quorate.dataset import folds as fold_module
from quorate.dataset.folds import Fold
from quorate.dataset.horizons import longest
from quorate.dataset.join import bars_needed
from quorate.dataset.joined import of_symbols
from quorate.dataset.rows import Dataset
from quorate.ensemble.within import WITHIN
from quorate.errors import DataError, DataWarning, PluginError, RecipeError, near_misses, plural
from quorate.execution.features import FeatureCache
from quorate.plugins.calling import call
from quorate.plugins.options import check_walk_forward
from quorate.plugins.registry import Registry
from quorate.plugins.specs import FeatureSpec, ModelSpec, Span, SplitterSpec, StrategySpec
from quorate.plugins.specs.learning import task_of
from quorate.recipe.schema import Recipe
from quorate.store.kept import KeptArrays
from quorate.trading.asking import ask_strategy
from quorate.trading.carry import check_known, rates_of
from quorate.trading.costs import Trading, check_cost, check_impact
from quorate.trading.order_rules import OrderRules
from quorate.trading.orders import listed
from quorate.walkforward.causality import audit_costs, audit_rows, cuts
from quorate.walkforward.held_out import Unseen, audit_symbols
from quorate.walkforward.rows import audit_steps, features_of, label_of, model_of, rows_of
from quorate.walkforward.sides import audit_side, side_of
from quorate.walkforward.weights import audit_weights, check_weights, weightings_of


@dataclass(frozen=True, eq=False)
class WalkForward:
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
    unseen : Unseen, optional
        The symbols that are held out, where models are to be tried on them: of neither `bars` nor `dataset`.
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
    unseen: Unseen | None = None

    @property
    def voting(self) -> list[str]:
        """The members that the ensemble combines; the others are baselines."""
        return [name for name, spec in self.members.items() if not spec.baseline]

    def learnt(self, name: str) -> ModelSpec:
        """Return the spec of a member as it learns this label with its parameters: its outputs are named."""
        model = self.recipe.models[name]
        assert model
        return self.members[name].for_label(task_of(self.binary), model.options)

    @cached_property
    def horizon(self) -> int:
        """Bars over which labels overlap: the recipe's horizon, or the most that its sessions have here."""
        return longest(self.recipe.labels.horizon, self.dataset.bar, self.dataset.end)

    @property
    def voting_columns(self) -> list[int]:
        """Where they stand among all members, whose predictions are columns in that order."""
        return [column for column, spec in enumerate(self.members.values()) if not spec.baseline]


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
        because = f"holdout.start is {h.start}, and the bars are {bars.span}" if h.start else f"{bars.span}"
        raise DataError(
            f"the holdout would take all {plural(len(bars), 'bar')} ({because}). A recipe that extends another has its "
            "holdout: set a smaller one, e.g. --set holdout.fraction=0.2"
        )
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
    splitter = registry.get(SplitterSpec, recipe.folds.splitter)
    check_walk_forward(splitter)

    def read(answer: Iterable[Any]) -> list[Span]:
        spans = fold_module.spans_in(answer)
        fold_module.check_spans(spans, len(bars), start, splitter.name)
        return spans

    return call(splitter, f"{len(bars)} bars", (bars.sessions, start), recipe.folds.options, read)


def prepare(
    recipe: Recipe,
    registry: Registry,
    bars: Bars,
    parts: Sequence[tuple[int, int]],
    kept: KeptArrays | None = None,
    reach: int = 0,
) -> WalkForward:
    """Lay out rows and folds.

    Parameters
    ----------
    bars : Bars
        Cut where this walk-forward must stop knowing. Symbols of them that the recipe holds out are set aside first.
    parts : sequence of (start, stop)
        Where bars may be predicted: up to the holdout, and after that perhaps in it.
    kept : KeptArrays, optional
        Features and accounts of earlier runs: what was computed, or audited, of the same bars is so no second time.
    reach : int
        Bars of a window that every row has at least, where models are to read longer ones than the recipe says.

    Raises
    ------
    DataError
        If there is nothing to train on or to predict.
    PluginError
        If a feature or label breaks its contract.
    IntegrityError
        If a feature or label looks ahead, or a training label reaches into a test span.
    """
    whole, bars = bars, without(bars, recipe.holdout.held_out)
    if not bars.symbols:
        raise DataError("all symbols that there are bars of are held out (holdout.symbols): none is left to learn from")
    members = {name: model_of(registry, name, recipe) for name in recipe.models}
    known = FeatureCache(kept) if kept is not None else None
    rows = rows_of(recipe, registry, bars, known, reach)
    warnings = rows.warnings
    classification = label_of(recipe, registry).task == "classification"
    check_weights(recipe, members, classification)
    if recipe.ensemble.calibration in WITHIN and len(bars.symbols) < 2:
        raise RecipeError(
            f"ensemble.calibration = {recipe.ensemble.calibration!r} is of several symbols at a bar; the data have "
            f"{bars.symbols[0]} alone: leave it out, or name more symbols"
        )
    with catch_warnings(record=True) as told:
        simplefilter("always", DataWarning)
        spans = [spans_of(recipe, registry, bars.take(0, stop), start) for start, stop in parts]
    warnings += [str(w.message) for w in told if issubclass(w.category, DataWarning)]
    _check_strategies(recipe, registry, bars, classification)
    _check_lots(recipe, whole)
    dataset = rows.build(bars)
    first = spans[-1][0].first
    features, _ = features_of(recipe, registry, bars)
    seen = known is not None and known.audited(features, bars, len(dataset), cuts(first, len(bars)))
    audit_rows(bars, dataset, None if seen else rows.columns, rows.labels, first)
    audit_steps(recipe, registry, bars, dataset, first)
    audit_side(side_of(recipe, registry), bars, cuts(first, len(bars)))
    if known is not None and not seen:
        known.note_audited(features, bars, len(dataset), cuts(first, len(bars)))
    trading = replace(_trading(recipe, registry, bars), kept=kept)
    check_known(trading.carry, bars, listed(bars), spans[0][0].first)
    audit_costs(recipe.costs.model, trading, partial(_trading, recipe, registry), bars, first)
    folds: list[Fold] = []
    embargo = recipe.folds.embargo
    for part in spans:
        folds += fold_module.walk_forward(dataset.bar, dataset.learnt_end, part, len(folds), embargo)
    if not folds or folds[-1].first < first:
        span = bars.take(first, len(bars)).span
        raise DataError(f"there is no row to predict in {span}: no symbol has all its features there")
    fold_module.audit_folds(folds, dataset.bar, dataset.learnt_end, embargo)
    fold_module.check_training(folds, dataset.y, bars.sessions, classification)
    audit_weights(bars, dataset, folds, weightings_of(recipe, registry))
    audit_symbols(folds, dataset, bars.symbols, recipe.holdout.held_out)
    unseen = None if whole is bars else _unseen(recipe, registry, whole, bars, dataset, reach, spans[0][0].first)
    return WalkForward(recipe, registry, bars, dataset, folds, members, classification, trading, warnings, unseen)


def _unseen(
    recipe: Recipe, registry: Registry, whole: Bars, seen: Bars, dataset: Dataset, reach: int, first: int
) -> Unseen:
    """Return the symbols that are held out: what is computed across symbols is so with all of them, as it was."""
    bars = only(whole, recipe.holdout.held_out)
    if seen.has_volume and not bars.has_volume:
        raise DataError(
            "holdout.symbols: a symbol that is held out has bars without volume, and the others have one, which "
            "features may read: hold out others, or have all bars read without volume"
        )
    features, _ = features_of(recipe, registry, seen)
    across = label_of(recipe, registry).cross_sectional or any(one.cross_sectional for one in features)
    build = rows_of(recipe, registry, seen, reach=reach).build
    rows = None
    if not across:
        with suppress(DataError):  # while none of them has a row, as all are too young
            rows = build(bars)
    if rows is None:
        rows = of_symbols(build(whole), whole, np.isin(whole.symbols, bars.symbols))
    trading = _trading(recipe, registry, bars)
    check_known(trading.carry, bars, listed(bars), first)
    return Unseen(bars, rows, trading, dataset)


def _check_strategies(recipe: Recipe, registry: Registry, bars: Bars, binary: bool) -> None:
    """Raise `RecipeError`, if a strategy that makes a portfolio cannot do so of these symbols with its options."""
    horizon = recipe.labels.horizon
    chosen, facts = recipe.strategy, {"binary": binary, "horizon": horizon if isinstance(horizon, int) else 1}
    for name in dict.fromkeys((chosen.name, *chosen.compare)):
        spec = registry.get(StrategySpec, name)
        if not spec.portfolio:
            continue
        if len(bars.symbols) < 2:
            raise RecipeError(
                f"strategy {name!r} chooses among symbols; the bars have one, {bars.symbols[0]}: read several, or take "
                'a strategy of one symbol, e.g. strategy.name = "long-short"'
            )
        if len(held := recipe.holdout.held_out) == 1:
            raise RecipeError(
                f"strategy {name!r} chooses among symbols; holdout.symbols holds out one alone, {held[0]}: hold out "
                'several, or take a strategy of one symbol, e.g. strategy.name = "long-short"'
            )
        unknown = np.full((1, len(bars.symbols)), np.nan)
        params = chosen.params if name == chosen.name else spec.params
        ask_strategy(spec, unknown, 0.0, bars.take(0, 1), facts, params)


def fold_facts(walk: WalkForward, fold: Fold) -> dict[str, Any]:
    """Return what a fold trains on and predicts, as plain data: dates, both ends included, and rows."""
    sessions, dataset = walk.bars.sessions, walk.dataset
    return {
        "fold": fold.index,
        "train_first": str(sessions[dataset.bar[fold.train[0]]]),
        "train_last": str(sessions[dataset.bar[fold.train[-1]]]),
        "train_rows": len(fold.train),
        "label_end": str(sessions[int(dataset.learnt_end[fold.train].max())]),
        "test_first": str(sessions[fold.first]),
        "test_last": str(sessions[fold.stop - 1]),
        "test_rows": len(fold.test),
    }


def frequency_facts(walk: WalkForward) -> list[dict[str, Any]]:
    """Return of each other frequency that features are on, as plain data: features, bars, and how far they look back.

    ``history`` are the bars of the recipe's own frequency that pass before the last of them is known.
    """
    found: dict[str, list[FeatureSpec]] = {}
    for name in walk.dataset.feature_names:
        spec = walk.registry.get(FeatureSpec, name)
        if spec.frequency:
            found.setdefault(spec.frequency, []).append(spec)
    told = []
    for frequency, specs in sorted(found.items()):
        longest = max(specs, key=lambda spec: spec.lookback)
        told.append(
            {
                "frequency": frequency,
                "features": len(specs),
                "bars": len(at_frequency(walk.bars, frequency)[0]),
                "lookback": longest.lookback,
                "longest": longest.name,
                "history": bars_needed(longest, walk.bars),
            }
        )
    return told


def _check_lots(recipe: Recipe, bars: Bars) -> None:
    """Raise `RecipeError`, if a lot is given for a symbol that there are no bars of."""
    lots = recipe.backtest.lots
    for name in lots if isinstance(lots, dict) else ():
        if name not in bars.symbols:
            raise RecipeError(f"backtest.lots: there are no bars of {name!r}{near_misses(name, bars.symbols)}")


def _trading(recipe: Recipe, registry: Registry, bars: Bars) -> Trading:
    cost = registry.get("cost", recipe.costs.model)

    def read(answer: Any) -> Trading:
        if not isinstance(answer, tuple | list) or len(answer) not in (2, 3):
            raise PluginError(
                f"it must return (fees, slippage) or (fees, slippage, impact); it gave {reprlib.repr(answer)}"
            )
        fees, slippage, *more = answer
        fees, slippage = (
            check_cost(value, name, cost.name, bars) for name, value in (("fees", fees), ("slippage", slippage))
        )
        [impact] = [check_impact(value, cost.name, bars) for value in more] or [0.0]
        return Trading(wanted.fill, fees, slippage, wanted.capital, impact, carry, rules)

    wanted = recipe.backtest
    rules = OrderRules.of(bars, wanted.lots, wanted.band, wanted.rebalance)
    carry = rates_of(bars, recipe.data.cash, recipe.costs.borrow, recipe.costs.funding)
    return call(cost, bars.__repr__, (bars,), recipe.costs.options, read)
