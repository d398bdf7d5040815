"""The series that a run judges: ensembles, members, baselines, and buy and hold, decided and traded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.dataset.rows import NEVER
from quorate.ensemble.combine import Combined, combine_all, recent_volatility
from quorate.evidence.evidence import Performance
from quorate.plugins.specs import EnsemblerSpec, StrategySpec
from quorate.statistics._naive import naive_forecasts
from quorate.trading.backtest import backtest, equity_curves, gone_after
from quorate.trading.risk import Risk
from quorate.trading.strategy import (
    LIMIT,
    Decisions,
    Plan,
    ThresholdRule,
    decide,
    desired_weights,
    score_of,
    share_of_capital,
    to_panel,
)
from quorate.walkforward.causality import audit_strategy
from quorate.walkforward.layout import Study

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

    @property
    def label(self) -> str:
        """Name and strategy, by which tables and gates know it."""
        return f"{self.name}/{self.strategy}"

    @property
    def candidate(self) -> bool:
        """Whether it could be promoted: baselines and buy and hold could not."""
        return self.role in ("ensemble", "alternative", "member")


def combine_members(study: Study, predictions: Floats) -> dict[str, Combined]:
    """Combine the members by the recipe's ensembler and by those beside it; the judged one is first.

    Returns
    -------
    dict
        Ensembler to its predictions and its members' weights, per fold and per row.
    """
    wanted = study.recipe.ensemble
    names = list(study.members)
    voting = [names.index(name) for name in study.voting]
    methods: list[tuple[EnsemblerSpec, Mapping[str, Any]]] = []
    for name in dict.fromkeys((wanted.method, *wanted.compare)):
        spec = study.registry.get("ensembler", name)
        assert isinstance(spec, EnsemblerSpec)
        methods.append((spec, wanted.params if name == wanted.method else spec.params))
    found = combine_all(
        methods,
        study.voting,
        predictions[:, voting],
        study.dataset,
        study.folds,
        study.binary,
        volatility=recent_volatility(study.bars, study.dataset),
        calibration=wanted.calibration,
    )
    return {spec.name: one for (spec, _), one in zip(methods, found, strict=True)}


def decide_all(study: Study, predictions: Floats) -> tuple[list[Series], dict[str, Combined]]:
    """Combine, choose thresholds and decide, for every series of the report; the judged one is first.

    Returns
    -------
    series : list of Series
    ensembles : dict
        Ensembler to its predictions and its members' weights.
    """
    recipe = study.recipe
    ensembles = combine_members(study, predictions)
    rows: list[tuple[str, Role, str, Floats]] = []
    for method, one in ensembles.items():
        for strategy in dict.fromkeys((recipe.strategy.name, *recipe.strategy.compare)):
            rows.append((method, "alternative" if rows else "ensemble", strategy, one.predictions))
    for j, (name, model) in enumerate(study.members.items()):
        role: Role = "baseline" if model.baseline else "member"
        rows.append((name, role, recipe.strategy.name, predictions[:, j]))
    return _decided(study, rows), ensembles


def decide_judged(study: Study, predictions: Floats) -> Series:
    """Combine, choose thresholds and decide for the judged series alone."""
    method = study.recipe.ensemble.method
    combined = combine_members(study, predictions)[method]
    [judged] = _decided(study, [(method, "ensemble", study.recipe.strategy.name, combined.predictions)])
    return judged


def _decided(study: Study, rows: Sequence[tuple[str, Role, str, Floats]]) -> list[Series]:
    """Return what is traded of these predictions; the strategy of the first is asked whether it looks ahead."""
    plans = [_plan(study, strategy, values) for _, _, strategy, values in rows]
    threshold = study.recipe.threshold
    assert threshold.grid is not None
    assert threshold.default is not None
    judged = plans[0]
    audit_strategy(
        judged.strategy, judged.params, judged.score, threshold.default, study.bars, judged.facts, study.folds[0].first
    )
    rule = ThresholdRule(tuple(threshold.grid), threshold.default, threshold.min_bars)
    decisions = decide(plans, study.bars, study.dataset, study.folds, rule, study.trading)
    return [
        Series(name, role, strategy, values, d)
        for (name, role, strategy, values), d in zip(rows, decisions, strict=True)
    ]


def _plan(study: Study, name: str, predictions: Floats) -> Plan:
    """Return how a strategy is to trade predictions: limits are for all, options of their own for the judged one."""
    spec, chosen = study.registry.get("strategy", name), study.recipe.strategy
    assert isinstance(spec, StrategySpec)
    score = to_panel(score_of(predictions, study.binary), study.dataset, study.bars)
    own = name == chosen.name
    return Plan(
        spec,
        chosen.params if own else spec.params,
        score,
        study.binary,
        study.recipe.labels.horizon,
        Risk(**chosen.risk.model_dump()),
        {key: values for key, values in chosen.grid.items() if own or key.startswith(LIMIT)},
    )


def judge_span(study: Study, series: Sequence[Series], first: int, stop: int) -> list[tuple[Series, Performance]]:
    """Trade every series, and buy and hold, over bars `first` to ``stop - 1``, each with fresh capital."""
    span = study.bars.take(first, stop)
    hold = share_of_capital(span.present, gone_after(span))
    targets = np.stack([*(s.decisions.targets[first:stop] for s in series), hold], axis=2)
    nothing = np.full(len(study.dataset), np.nan)
    everything = [*series, Series("buy-and-hold", "benchmark", "hold", nothing, Decisions(hold, np.empty(0)))]
    inside = (study.dataset.bar >= first) & (study.dataset.bar < stop) & (study.dataset.end != NEVER)
    naive = naive_forecasts(study.dataset.y, study.dataset.end, study.dataset.bar)
    results = backtest(span, targets, study.trading.take(first, stop))
    market = results[-1].returns
    judged = []
    for one, result in zip(everything, results, strict=True):
        rows = inside & np.isfinite(one.predictions)
        performance = Performance(
            **vars(result),
            bars_per_year=span.bars_per_year,
            predictions=one.predictions[rows],
            labels=study.dataset.y[rows],
            binary=study.binary,
            market=market,
            naive=naive[rows],
            forecast_bar=study.dataset.bar[rows] - first,
        )
        judged.append((one, performance))
    return judged


def trade_as_given(study: Study, predictions: Floats, first: int) -> Floats:
    """Return what each of several predictions earns with the default threshold and the strategy's options as given.

    Parameters
    ----------
    predictions : ndarray of float64, (n_series, n_rows)
        NaN where there is none.
    first : int
        The first bar to trade at; the last one is the study's.

    Returns
    -------
    ndarray of float64, (n_bars - 1, n_series)
        Net returns.
    """
    bars, trading, stop = study.bars, study.trading, len(study.bars)
    default = study.recipe.threshold.default
    assert default is not None
    curves = []
    for values in predictions:
        plan = _plan(study, study.recipe.strategy.name, values)
        weights = desired_weights(plan, [plan.default(default)], bars, trading.fill)
        curves.append(equity_curves(bars.take(first, stop), weights[first:], trading.take(first, stop)))
    return statistics.returns_of(np.hstack(curves))


def retrade(study: Study, judged: Series, first: int, stop: int) -> Callable[[float, int], Performance]:
    """Return a function that trades the same decisions at other costs, or with orders filled later."""

    def traded(costs: float, delay: int) -> Performance:
        span = study.bars.take(first, stop)
        targets = np.zeros((stop - first, len(study.bars.symbols)))
        targets[delay:] = judged.decisions.targets[first : stop - delay]
        [result] = backtest(span, targets[:, :, None], study.trading.take(first, stop).dearer(costs))
        none = np.empty(0)
        return Performance(**vars(result), bars_per_year=span.bars_per_year, predictions=none, labels=none,
                           binary=study.binary)  # fmt: skip

    return traded
