"""The series that a run judges: ensembles, members, baselines, and buy and hold, decided and traded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import NEVER, Fold
from quorate.dataset.rows import entry_prices
from quorate.ensemble.combine import Combined, FoldCombiner, Method, combine_all, fold_combiner, recent_volatility
from quorate.evidence.evidence import Performance
from quorate.plugins.specs import EnsemblerSpec, StrategySpec
from quorate.statistics import Floats
from quorate.statistics._naive import naive_forecasts
from quorate.trading.backtest import backtest, equity_curves
from quorate.trading.carry import in_excess
from quorate.trading.orders import gone_after
from quorate.trading.portfolio import share_of_capital
from quorate.trading.risk import Risk
from quorate.trading.strategy import (
    LIMIT,
    Decisions,
    Plan,
    Setting,
    ThresholdRule,
    decide,
    desired_weights,
    followed,
    score_of,
    to_panel,
)
from quorate.walkforward.causality import audit_strategy
from quorate.walkforward.distribution import Distribution
from quorate.walkforward.layout import WalkForward
from quorate.walkforward.sides import side_of

Role = Literal["ensemble", "alternative", "member", "baseline", "benchmark"]


@dataclass(frozen=True, eq=False)
class Series:
    """One series that was traded: an ensemble, a member, a baseline, or buy and hold."""

    name: str
    role: Role
    strategy: str
    predictions: Floats
    decisions: Decisions

    @property
    def label(self) -> str:
        """Name and strategy, by which tables and gates know it."""
        return f"{self.name}/{self.strategy}"

    @property
    def candidate(self) -> bool:
        """Whether it could be promoted: baselines and buy and hold could not."""
        return self.role in ("ensemble", "alternative", "member")


def combine_members(
    walk: WalkForward, predictions: Floats, volatility: Floats | None = None, *, beside: bool = True
) -> dict[str, Combined]:
    """Combine the members by the recipe's ensembler and by those beside it; the judged one is first.

    Parameters
    ----------
    volatility : ndarray of float64, (n_rows,), optional
        That of the rows, if they are others than those of the walk-forward's bars.
    beside : bool
        Else by the recipe's ensembler alone.

    Returns
    -------
    dict
        Ensembler to its predictions and its members' weights, per fold and per row.
    """
    wanted = walk.recipe.ensemble
    methods = [_method(walk, name) for name in dict.fromkeys((wanted.method, *(wanted.compare if beside else ())))]
    found = combine_all(
        methods,
        walk.voting,
        predictions[:, walk.voting_columns],
        walk.dataset,
        walk.folds,
        walk.binary,
        volatility=recent_volatility(walk.bars, walk.dataset) if volatility is None else volatility,
        calibration=wanted.calibration,
    )
    return {spec.name: one for (spec, _), one in zip(methods, found, strict=True)}


def _method(walk: WalkForward, name: str) -> Method:
    wanted, spec = walk.recipe.ensemble, walk.registry.get(EnsemblerSpec, name)
    return spec, wanted.params if name == wanted.method else spec.params


def combiner_of(walk: WalkForward, fold: Fold, predictions: Floats) -> FoldCombiner | None:
    """Return how `combine_members` combines a fold by the recipe's ensembler, if each row by itself: else None."""
    return fold_combiner(
        _method(walk, walk.recipe.ensemble.method),
        walk.voting,
        predictions[:, walk.voting_columns],
        walk.dataset,
        fold,
        walk.binary,
        volatility=recent_volatility(walk.bars, walk.dataset),
        calibration=walk.recipe.ensemble.calibration,
    )


def decide_all(
    walk: WalkForward, predictions: Floats, first: int | None = None
) -> tuple[list[Series], dict[str, Combined]]:
    """Combine, choose thresholds and decide, for every series of the report; the judged one is first.

    Parameters
    ----------
    first : int, optional
        The bar from which on it is told what every threshold earned; without it, nothing is.

    Returns
    -------
    series : list of Series
    ensembles : dict
        Ensembler to its predictions and its members' weights.
    """
    recipe = walk.recipe
    ensembles = combine_members(walk, predictions)
    rows: list[tuple[str, Role, str, Floats]] = []
    for method, one in ensembles.items():
        for strategy in dict.fromkeys((recipe.strategy.name, *recipe.strategy.compare)):
            rows.append((method, "alternative" if rows else "ensemble", strategy, one.predictions))
    for j, (name, model) in enumerate(walk.members.items()):
        role: Role = "baseline" if model.baseline else "member"
        rows.append((name, role, recipe.strategy.name, predictions[:, j]))
    return _decided(walk, rows, first), ensembles


def decide_judged(walk: WalkForward, predictions: Floats) -> Series:
    """Combine, choose thresholds and decide for the judged series alone."""
    method = walk.recipe.ensemble.method
    return decide_given(walk, method, combine_members(walk, predictions, beside=False)[method].predictions)


def decide_given(walk: WalkForward, name: str, predictions: Floats) -> Series:
    """Choose thresholds and decide for predictions, as for those of the ensemble."""
    [judged] = _decided(walk, [(name, "ensemble", walk.recipe.strategy.name, predictions)])
    return judged


def _decided(
    walk: WalkForward, rows: Sequence[tuple[str, Role, str, Floats]], first: int | None = None
) -> list[Series]:
    """Return what is traded of these predictions; the strategy of the first is asked whether it looks ahead."""
    plans = (_plan(walk, strategy, values) for _, _, strategy, values in rows)
    rule, judged = _rule(walk), next(plans)
    audit_strategy(
        judged.strategy, judged.params, judged.score, rule.default, walk.bars, judged.facts, walk.folds[0].first
    )
    # One after the other: the scores of many bars are large.
    decisions = decide(chain([judged], plans), walk.bars, walk.dataset, walk.folds, rule, walk.trading, first)
    return [
        Series(name, role, strategy, values, d)
        for (name, role, strategy, values), d in zip(rows, decisions, strict=True)
    ]


def _rule(walk: WalkForward) -> ThresholdRule:
    threshold = walk.recipe.threshold
    assert threshold.grid is not None
    assert threshold.default is not None
    return ThresholdRule(tuple(threshold.grid), threshold.default, threshold.min_bars)


def decided_as(walk: WalkForward, series: Series, places: Sequence[int], predictions: Floats) -> Series:
    """Return what is desired of other rows by what a series has chosen on the same folds.

    Parameters
    ----------
    walk : WalkForward
        That of the other rows.
    places : sequence of int
        Which of the folds of the series its folds are.
    predictions : ndarray of float64, (n_rows,)
        Of the other rows.
    """
    plan, taken = taken_by(walk, series, places, predictions)
    decisions = followed(plan, taken, walk.bars, walk.folds, walk.trading.fill)
    return replace(series, predictions=predictions, decisions=decisions)


def taken_by(
    walk: WalkForward, series: Series, places: Sequence[int], predictions: Floats
) -> tuple[Plan, list[Setting]]:
    """Return how a series trades predictions, and the settings that it has chosen; arguments as of `decided_as`."""
    plan, rule = _plan(walk, series.strategy, predictions), _rule(walk)
    known = [plan.default(rule.default), *plan.candidates(rule.grid)]
    return plan, [next(one for one in known if one.picked == series.decisions.chosen[place]) for place in places]


def _plan(walk: WalkForward, name: str, predictions: Floats) -> Plan:
    """Return how a strategy is to trade predictions: limits are for all, options of their own for the judged one."""
    spec, chosen = walk.registry.get(StrategySpec, name), walk.recipe.strategy
    score = to_panel(score_of(predictions, walk.binary), walk.dataset, walk.bars)
    own = name == chosen.name
    return Plan(
        spec,
        chosen.params if own else spec.params,
        score,
        walk.binary,
        walk.horizon,
        Risk(**chosen.risk.model_dump()),
        {key: values for key, values in chosen.grid.items() if own or key.startswith(LIMIT)},
        side_of(walk.recipe, walk.registry),
    )


def judged_rows(walk: WalkForward, series: Series, first: int, stop: int) -> NDArray[np.bool_]:
    """Return which rows of bars `first` to ``stop - 1`` have a prediction of the series and a label, (n_rows,)."""
    dataset = walk.dataset
    inside = (dataset.bar >= first) & (dataset.bar < stop) & (dataset.end != NEVER)
    found: NDArray[np.bool_] = inside & np.isfinite(series.predictions)
    return found


class _Told(NamedTuple):
    """What came true on some rows, and what else series of these rows share."""

    rows: NDArray[np.bool_]
    labels: Floats
    naive: Floats
    bar: NDArray[np.int64]
    entry: Floats


def judge_span(
    walk: WalkForward,
    series: Sequence[Series],
    first: int,
    stop: int,
    distributions: Mapping[str, Distribution] = MappingProxyType({}),
) -> list[tuple[Series, Performance]]:
    """Trade every series, and buy and hold, over bars `first` to ``stop - 1``, each with fresh capital.

    What is held is not brought back to weights, whatever the recipe's order rules: it is traded without them.
    Of those in `distributions`, by name, the quantiles are judged, too.
    """
    span = walk.bars.take(first, stop)
    hold = share_of_capital(span.present, gone_after(span), span.member)
    targets = np.stack([s.decisions.targets[first:stop] for s in series], axis=2)
    trading = walk.trading.take(first, stop)
    nothing = np.full(len(walk.dataset), np.nan)
    everything = [*series, Series("buy-and-hold", "benchmark", "hold", nothing, Decisions(hold, np.empty(0)))]
    naive = naive_forecasts(walk.dataset.y, walk.dataset.end, walk.dataset.bar)
    prices = entry_prices(walk.bars, walk.dataset, walk.trading.fill)
    results = backtest(span, targets, trading) + backtest(span, hold[:, :, None], replace(trading, rules=None))
    nothing_told = Distribution(np.empty(0), np.empty((len(walk.dataset), 0)), np.empty(0), 0)
    market = results[-1].returns
    judged = []
    told: _Told | None = None
    for one, result in zip(everything, results, strict=True):
        rows = judged_rows(walk, one, first, stop)
        if told is None or not np.array_equal(rows, told.rows):  # most series have forecasts of the same rows
            entry = prices[rows] if np.isfinite(prices[rows]).all() else np.empty(0)
            told = _Told(rows, walk.dataset.y[rows], naive[rows], walk.dataset.bar[rows] - first, entry)
        spread = distributions.get(one.name, nothing_told)
        performance = Performance(
            **vars(result),
            bars_per_year=span.bars_per_year,
            predictions=one.predictions[rows],
            labels=told.labels,
            binary=walk.binary,
            market=market,
            naive=told.naive,
            forecast_bar=told.bar,
            entry_price=told.entry,
            levels=spread.levels,
            quantiles=spread.values[rows],
            horizon=walk.horizon,
        )
        judged.append((one, performance))
    return judged


def trade_as_given(walk: WalkForward, predictions: Floats, first: int) -> Floats:
    """Return what each of several predictions earns with the default threshold and the strategy's options as given.

    Parameters
    ----------
    predictions : ndarray of float64, (n_series, n_rows)
        NaN where there is none.
    first : int
        The first bar to trade at; the last one is the walk-forward's.

    Returns
    -------
    ndarray of float64, (n_bars - 1, n_series)
        Net returns in excess of cash.
    """
    bars, trading, stop = walk.bars, walk.trading, len(walk.bars)
    default = walk.recipe.threshold.default
    assert default is not None
    curves, traded = [], trading.take(first, stop)
    for values in predictions:
        plan = _plan(walk, walk.recipe.strategy.name, values)
        weights = desired_weights(plan, [plan.default(default)], bars, trading.fill)
        curves.append(equity_curves(bars.take(first, stop), weights[first:], traded))
    return in_excess(np.hstack(curves), traded.carry)


def retrade(walk: WalkForward, judged: Series, first: int, stop: int) -> Callable[[float, int], Performance]:
    """Return a function that trades the same decisions at other costs, or with orders filled later."""

    def traded(costs: float, delay: int) -> Performance:
        span = walk.bars.take(first, stop)
        targets = np.zeros((stop - first, len(walk.bars.symbols)))
        targets[delay:] = judged.decisions.targets[first : stop - delay]
        [result] = backtest(span, targets[:, :, None], walk.trading.take(first, stop).dearer(costs))
        none = np.empty(0)
        return Performance(**vars(result), bars_per_year=span.bars_per_year, predictions=none, labels=none,
                           binary=walk.binary)  # fmt: skip

    return traded
