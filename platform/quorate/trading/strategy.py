"""From scores to desired weights: strategies and limits, with the parameters that each fold chooses from the past."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from quorate import statistics
from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import PluginError
from quorate.plugins.specs import StrategySpec
from quorate.statistics import Floats
from quorate.statistics._paired import sharpe_per_bar
from quorate.trading.asking import ask_strategy
from quorate.trading.backtest import equity_curves
from quorate.trading.carry import in_excess
from quorate.trading.costs import Fill, Trading
from quorate.trading.orders import gone_after
from quorate.trading.portfolio import check_shares, renewed, share_of_capital
from quorate.trading.risk import Risk, limited

CELLS = 1_000_000  # of candidates' weights held at once; bounds the memory of a large panel with a large grid
LIMIT = "risk."  # what the key of a limit begins with in a grid


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
    chosen : list of dict
        Per fold, ``threshold`` and every key of the grid with its value.
    offered : list of Offered
        All that there was to choose from.
    """

    targets: Floats
    thresholds: Floats
    chosen: list[dict[str, Any]] = field(default_factory=list)
    offered: list[Offered] = field(default_factory=list)


@dataclass(frozen=True)
class Offered:
    """A threshold, with every key of the grid, and what trading by it from the first fold on would have earned.

    Parameters
    ----------
    picked : dict
        ``threshold`` and every key of the grid with its value.
    earned : dict
        ``sharpe`` in excess of cash, ``total-return``, ``max-drawdown``, all after costs; ``exposure``, the share of
        bars whose desired weight was not zero at the close before; ``entries``, how often a symbol's weight rose from
        zero or changed its sign.
    """

    picked: dict[str, Any]
    earned: dict[str, float]


@dataclass(frozen=True, eq=False)
class Setting:
    """One way to trade a score, and what of it was picked from the grid."""

    picked: dict[str, Any]
    params: dict[str, Any]
    risk: Risk

    @property
    def threshold(self) -> float:
        """The least score that is traded."""
        return float(self.picked["threshold"])


@dataclass(frozen=True, eq=False)
class Plan:
    """One series to decide.

    Parameters
    ----------
    strategy : StrategySpec
        Its weights are traded, within the limits of `risk`.
    params : mapping
        Its options.
    score : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no out-of-fold prediction.
    binary, horizon : bool, int
        Whether the score is ``2p - 1``; bars of the label.
    side : callable, optional
        From bars to the side that the primary rule of a meta-label takes.
    risk : Risk
        Limits, applied to the strategy's weights.
    grid : mapping of str to sequence
        Options of the strategy, and limits as ``risk.NAME``, with the values to choose from.
    """

    strategy: StrategySpec
    params: Mapping[str, Any]
    score: Floats
    binary: bool = True
    horizon: int = 1
    risk: Risk = field(default_factory=Risk)
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    side: Callable[[Bars], Floats] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What a strategy may ask for beside bars and options."""
        told = {"binary": self.binary, "horizon": self.horizon}
        return told if self.side is None else {**told, "side": self.side}

    def default(self, threshold: float) -> Setting:
        """Return the candidate with the options and limits as given."""
        limits, options = vars(self.risk), self.params
        given = {k: limits[k.removeprefix(LIMIT)] if k.startswith(LIMIT) else options.get(k) for k in sorted(self.grid)}
        return Setting({"threshold": threshold, **given}, dict(self.params), self.risk)

    def candidates(self, thresholds: Sequence[float]) -> list[Setting]:
        """Return every combination of the grid, by threshold, then by value, the keys in alphabetical order."""
        keys = sorted(self.grid)
        found = []
        for values in product(sorted(set(thresholds)), *(sorted(set(self.grid[key])) for key in keys)):
            picked = dict(zip(keys, values[1:], strict=True))
            options = {k: v for k, v in picked.items() if not k.startswith(LIMIT)}
            limits = {k.removeprefix(LIMIT): v for k, v in picked.items() if k.startswith(LIMIT)}
            found.append(
                Setting({"threshold": values[0], **picked}, {**self.params, **options}, replace(self.risk, **limits))
            )
        return found


def score_of(prediction: Floats, binary: bool) -> Floats:
    """Return the score that strategies read: 2p - 1 for a probability, else the expected return."""
    return 2 * prediction - 1 if binary else prediction


def to_panel(values: Floats, dataset: Dataset, bars: Bars) -> Floats:
    """Return a row vector as a panel, (n_bars, n_symbols), NaN where there is no row."""
    panel = np.full(bars.close.shape, np.nan)
    panel[dataset.bar, dataset.symbol] = values
    panel.flags.writeable = False
    return panel


def strategy_weights(plan: Plan, candidate: Setting, bars: Bars) -> Floats:
    """Return a strategy's own weights, -1..1, (n_bars, n_symbols).

    They are zero where there is no score; of a portfolio not where a symbol misses the bar: what is held of it stays.

    Raises
    ------
    PluginError
        If the strategy breaks its contract.
    """
    spec, score = plan.strategy, plan.score
    weights = ask_strategy(spec, score, candidate.threshold, bars, plan.facts, candidate.params)
    nothing = np.isnan(score) & bars.present if spec.portfolio else np.isnan(score)
    weights = np.where(nothing, 0.0, weights)
    if not np.isfinite(weights).all() or np.abs(weights).max(initial=0.0) > 1 + 1e-9:
        raise PluginError(f"strategy {spec.name!r} must give finite weights in -1..1")
    if spec.portfolio:
        check_shares(spec, weights, bars)
    return weights


def desired_weights(plan: Plan, candidates: Sequence[Setting], bars: Bars, fill: Fill = "open") -> Floats:
    """Return the weights within the limits, each symbol with its share of the capital.

    The share is one over the number of symbols with a recent score, so the gross exposure is at most one, and a symbol
    that misses a bar does not change what the others get. Weights of a portfolio are shares already, see `renewed`.

    Returns
    -------
    ndarray of float64, (n_bars, n_symbols, n_candidates)

    Raises
    ------
    PluginError
        If the strategy breaks its contract.
    """
    own: dict[tuple[Any, ...], Floats] = {}
    columns = []
    for candidate in candidates:
        # Candidates that differ in their limits alone share what the strategy says.
        key = tuple((k, v) for k, v in candidate.picked.items() if not k.startswith(LIMIT))
        if key not in own:
            own[key] = strategy_weights(plan, candidate, bars)
        columns.append(own[key])
    weights = limited(np.stack(columns, axis=2), bars, [c.risk for c in candidates], fill)
    if plan.strategy.portfolio:
        return renewed(weights * bars.member[:, :, None])
    return weights * share_of_capital(np.isfinite(plan.score), gone_after(bars), bars.member)[:, :, None]


def decide(
    plans: Iterable[Plan],
    bars: Bars,
    dataset: Dataset,
    folds: Sequence[Fold],
    rule: ThresholdRule,
    trading: Trading,
    first: int | None = None,
) -> list[Decisions]:
    """Choose threshold and parameters per fold and return the desired weights, for several series.

    All candidates of a series, every threshold with every combination of its grid, are backtested in one go
    over the out-of-fold span. A fold takes the one with the best Sharpe ratio over the bars up to the last
    row whose label had ended at the fold's first decision; ties go to the earlier one, that is the lower
    threshold, and `rule.default` with the parameters as given serves while there are fewer than
    `rule.min_bars` such bars or nothing was traded.

    A fold takes the weights that its candidate would have had, had it been followed from the start: what it
    holds, and which limit it waits for, comes with it.

    `first` is the bar from which on it is told what each candidate earned; without it, nothing is.
    """
    since = None if first is None else max(first - folds[0].first, 0)
    # Entry i of a series' returns is earned at bar folds[0].first + 1 + i.
    seen = [max(_last_known(dataset, folds, fold) - folds[0].first, 0) for fold in folds]
    decisions = []
    for plan in plans:
        default, offered = plan.default(rule.default), plan.candidates(rule.grid)
        returns, earned = _returns(plan, offered, bars, folds, trading, since)
        best = [_best(returns[:known], rule, bars.bars_per_year) for known in seen]
        taken = [default if k is None else offered[k] for k in best]
        told = [Offered(dict(one.picked), figures) for one, figures in zip(offered, earned, strict=False)]
        decisions.append(replace(followed(plan, taken, bars, folds, trading.fill), offered=told))
    return decisions


def followed(plan: Plan, taken: Sequence[Setting], bars: Bars, folds: Sequence[Fold], fill: Fill) -> Decisions:
    """Return the desired weights of each fold by the setting that it takes."""
    distinct = list(dict.fromkeys(taken))
    weights = desired_weights(plan, distinct, bars, fill)
    targets = np.zeros(bars.close.shape)
    for fold, candidate in zip(folds, taken, strict=True):
        targets[fold.first : fold.stop] = weights[fold.first : fold.stop, :, distinct.index(candidate)]
    thresholds = np.array([candidate.threshold for candidate in taken])
    return Decisions(targets, thresholds, [dict(candidate.picked) for candidate in taken])


def _earned(returns: Floats, total: Floats, weights: Floats, bars_per_year: float) -> dict[str, float]:
    """Return what `Offered` tells of returns, in excess of cash and of the account, both (n_bars - 1,), and weights."""
    equity = statistics.equity_curve(total)
    signs = np.sign(weights[:-1])  # what is wanted at the last close is filled on no bar
    before = np.vstack([np.zeros_like(signs[:1]), signs[:-1]])
    return {
        "sharpe": statistics.sharpe(returns, bars_per_year),
        "total-return": float(equity[-1] - 1),
        "max-drawdown": statistics.max_drawdown(equity),
        "exposure": float((signs != 0).any(axis=1).mean()),
        "entries": float(((signs != 0) & (signs != before)).sum()),
    }


def _returns(
    plan: Plan, candidates: Sequence[Setting], bars: Bars, folds: Sequence[Fold], trading: Trading, since: int | None
) -> tuple[Floats, list[dict[str, float]]]:
    """Return what each candidate earned out of fold, in excess of cash, (n_bars - 1, n_candidates), and figures."""
    start, stop = folds[0].first, folds[-1].stop
    span, traded = bars.take(start, stop), trading.take(start, stop)
    step = max(1, CELLS // max(1, plan.score.size))
    parts, earned = [], []
    for first in range(0, len(candidates), step):
        weights = desired_weights(plan, candidates[first : first + step], bars, trading.fill)[start:stop]
        equity = equity_curves(span, weights, traded)
        returns = in_excess(equity, traded.carry)
        if since is not None:
            total = statistics.returns_of(equity)
            earned += [
                _earned(returns[since:, i], total[since:, i], weights[since:, :, i], bars.bars_per_year)
                for i in range(returns.shape[1])
            ]
        parts.append(returns)
    return np.hstack(parts), earned


def _last_known(dataset: Dataset, folds: Sequence[Fold], fold: Fold) -> int:
    """Return the bar of the last predicted row whose label had ended at the close of the fold's first bar."""
    known = (dataset.end <= fold.first) & (dataset.bar >= folds[0].first)
    return int(dataset.bar[known].max(initial=0))


def _best(returns: Floats, rule: ThresholdRule, bars_per_year: float) -> int | None:
    """Return the position of the first of the best candidates, or None if none can be told."""
    if len(returns) < max(rule.min_bars, 2):  # of fewer there is no Sharpe ratio
        return None
    values = sharpe_per_bar(np.ascontiguousarray(returns.T)) * np.sqrt(bars_per_year)
    return None if np.isnan(values).all() else int(np.nanargmax(values))
