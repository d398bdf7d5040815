"""From scores to desired weights: strategies, and the threshold that each fold trades with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.backtest import GONE, Trading, equity_curves, gone_after, recently
from quorate.bars import Bars
from quorate.dataset import Dataset
from quorate.errors import PluginError
from quorate.folds import Fold
from quorate.specs import StrategySpec

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ThresholdRule:
    """The thresholds to choose from, the one that serves before there is anything to choose by, and when that is."""

    grid: tuple[float, ...]
    default: float
    min_bars: int


@dataclass(frozen=True, eq=False)
class Decisions:
    """What one series decided.

    Parameters
    ----------
    targets : ndarray of float64, (n_bars, n_symbols)
        Desired weights; zero where there is no prediction.
    thresholds : ndarray of float64, (n_folds,)
        The threshold that each fold traded with.
    """

    targets: Floats
    thresholds: Floats


def score_of(prediction: Floats, binary: bool) -> Floats:
    """Return the score that strategies read: 2p - 1 for a probability, else the expected return."""
    return 2 * prediction - 1 if binary else prediction


def to_panel(values: Floats, dataset: Dataset, bars: Bars) -> Floats:
    """Return a row vector as a panel, (n_bars, n_symbols), NaN where there is no row."""
    panel = np.full(bars.close.shape, np.nan)
    panel[dataset.bar, dataset.symbol] = values
    return panel


def desired_weights(
    spec: StrategySpec, params: Mapping[str, Any], score: Floats, threshold: float, gone: int = GONE
) -> Floats:
    """Return a strategy's weights, each symbol with its share of the capital.

    The share is one over the number of symbols with a recent score, so the gross exposure is at
    most one, and a symbol that misses a bar does not change what the others get.

    Raises
    ------
    PluginError
        If the strategy breaks its contract.
    """
    weights = np.asarray(spec.resolve()(score, threshold, **params), dtype=np.float64)
    if weights.shape != score.shape:
        raise PluginError(f"strategy {spec.name!r} must give weights {score.shape}; it gave {weights.shape}")
    weights = np.where(np.isnan(score), 0.0, weights)
    if not np.isfinite(weights).all() or np.abs(weights).max(initial=0.0) > 1 + 1e-9:
        raise PluginError(f"strategy {spec.name!r} must give finite weights in -1..1")
    return weights * share_of_capital(np.isfinite(score), gone)


def share_of_capital(available: NDArray[np.bool_], gone: int = GONE) -> Floats:
    """Return each symbol's equal share at each bar, zero where it is not available, (n_bars, n_symbols)."""
    alive = recently(available, gone)
    return np.where(alive, 1.0 / np.maximum(alive.sum(axis=1, keepdims=True), 1), 0.0)


def decide(
    plans: Sequence[tuple[StrategySpec, Mapping[str, Any], Floats]],
    bars: Bars,
    dataset: Dataset,
    folds: Sequence[Fold],
    rule: ThresholdRule,
    trading: Trading,
) -> list[Decisions]:
    """Choose a threshold per fold and return the desired weights, for several series.

    All thresholds of a series are backtested in one go over the out-of-fold span. A fold takes
    the threshold with the best Sharpe ratio over the bars up to the last row whose label had ended
    at the fold's first decision; ties go to the lower one, and `rule.default` serves while there
    are fewer than `rule.min_bars` such bars or nothing was traded.

    Parameters
    ----------
    plans : sequence of (strategy, its parameters, score)
        Score is (n_bars, n_symbols), NaN where there is no out-of-fold prediction.
    """
    start, stop = folds[0].first, folds[-1].stop
    span = bars.take(start, stop)
    # Entry i of a series' returns is earned at bar start + 1 + i.
    seen = [max(_last_known(dataset, folds, fold) - start, 0) for fold in folds]
    grid = sorted(set(rule.grid))
    decisions = []
    for spec, params, score in plans:
        weights = [desired_weights(spec, params, score, level, gone_after(bars)) for level in (*grid, rule.default)]
        equity = equity_curves(span, np.stack([w[start:stop] for w in weights[:-1]], axis=2), trading.take(start, stop))
        returns = statistics.returns_of(equity)
        targets, chosen = np.zeros(bars.close.shape), np.empty(len(folds))
        for k, fold in enumerate(folds):
            best = _best(returns[: seen[k]], rule, bars.bars_per_year)
            chosen[k] = rule.default if best is None else grid[best]
            targets[fold.first : fold.stop] = weights[-1 if best is None else best][fold.first : fold.stop]
        decisions.append(Decisions(targets, chosen))
    return decisions


def _last_known(dataset: Dataset, folds: Sequence[Fold], fold: Fold) -> int:
    """Return the bar of the last predicted row whose label had ended at the close of the fold's first bar."""
    known = (dataset.end <= fold.first) & (dataset.bar >= folds[0].first)
    return int(dataset.bar[known].max(initial=0))


def _best(returns: Floats, rule: ThresholdRule, bars_per_year: float) -> int | None:
    """Return the position of the best threshold of the sorted grid, or None if none can be told."""
    if len(returns) < rule.min_bars:
        return None
    values = np.array([statistics.sharpe(returns[:, i], bars_per_year) for i in range(returns.shape[1])])
    return None if np.isnan(values).all() else int(np.nanargmax(values))
