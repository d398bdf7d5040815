"""Two series of returns beside each other: how far a figure of theirs differs where the same bars are drawn of both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from quorate.statistics._base import TINY, block_length
from quorate.statistics._boundary import Floats
from quorate.statistics._resampling import positions

RATIOS = ("sharpe", "sortino")  # of the figures: of returns in excess of cash

# Returns of many draws, (draws, n_bars), to one number for each; NaN where it is undefined.
Figure = Callable[[Floats], Floats]


def resampled_differences(
    one: Floats, other: Floats, figures: Mapping[str, Figure], draws: int, seed: int
) -> tuple[dict[str, Floats], float]:
    """Return figures of `one` less those of `other`, in each draw of a stationary bootstrap, and its mean block.

    The block is the one that suits the more dependent of the two (Politis and Romano 1994; on the difference of Sharpe
    ratios see Ledoit and Wolf 2008).
    """
    block = block_length(np.column_stack([one, other]))
    found: dict[str, list[Floats]] = {name: [] for name in figures}
    for rows in positions(len(one), block, draws, seed):
        first, second = (np.tile(returns, 2)[rows] for returns in (one, other))
        for name, figure in figures.items():
            found[name].append(figure(first) - figure(second))
    return {name: np.concatenate(parts) for name, parts in found.items()}, block


def interval(differences: Floats, confidence: float) -> tuple[float, float]:
    """Return the two-sided percentile interval of the draws in which there is a difference; NaN, if there is none."""
    found = differences[np.isfinite(differences)]
    if not len(found):
        return math.nan, math.nan
    low, high = (float(v) for v in np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2]))
    return low, high


def sharpe_per_bar(returns: Floats) -> Floats:
    """Return Sharpe ratios per bar; a draw that never moves has none."""
    deviation = returns.std(axis=1, ddof=1)
    return _ratio(returns.mean(axis=1), deviation, deviation > TINY)


def figures_of(bars_per_year: float) -> dict[str, Figure]:
    """Return the figures that are made of returns alone, by the names of the metrics that they are."""
    root = math.sqrt(bars_per_year)

    def sortino(returns: Floats) -> Floats:
        downside = np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2, axis=1))
        return _ratio(returns.mean(axis=1) * root, downside, downside >= TINY)

    def cagr(returns: Floats) -> Floats:
        growth = total_return(returns) + 1
        alive = growth > 0
        years = returns.shape[1] / bars_per_year
        with np.errstate(over="ignore"):
            grown = np.where(alive, growth, 1.0) ** (1 / years) - 1
        return np.where(alive & np.isfinite(grown), grown, math.nan)

    def calmar(returns: Floats) -> Floats:
        depth = -max_drawdown(returns)
        return _ratio(cagr(returns), depth, depth >= TINY)

    return {
        "sharpe": lambda returns: sharpe_per_bar(returns) * root,
        "sortino": sortino,
        "calmar": calmar,
        "total-return": total_return,
        "cagr": cagr,
        "volatility": lambda returns: np.asarray(returns.std(axis=1, ddof=1) * root),
        "max-drawdown": max_drawdown,
        "value-at-risk-95": lambda returns: _tail(returns, 0.95)[0],
        "expected-shortfall-95": lambda returns: _tail(returns, 0.95)[1],
        "value-at-risk-99": lambda returns: _tail(returns, 0.99)[0],
        "expected-shortfall-99": lambda returns: _tail(returns, 0.99)[1],
    }


def total_return(returns: Floats) -> Floats:
    """Return the growth over all bars, less one."""
    grown: Floats = np.multiply.reduce(1 + returns, axis=1) - 1
    return grown


def max_drawdown(returns: Floats) -> Floats:
    """Return the deepest fall from a peak, zero or negative; the capital at the start is a peak, too."""
    equity = np.multiply.accumulate(1 + returns, axis=1)
    highest = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    deepest: Floats = np.minimum((equity / highest - 1).min(axis=1), 0.0)
    return np.maximum(deepest, -1.0)


def _tail(returns: Floats, level: float) -> tuple[Floats, Floats]:
    """Return value at risk and expected shortfall; see `quorate.statistics` for what they are."""
    draws, n = returns.shape
    beyond = round(n * (1 - level), 9)
    if beyond < 1:
        undefined = np.full(draws, math.nan)
        return undefined, undefined
    losses, whole = np.sort(-returns, axis=1)[:, ::-1], math.floor(beyond)
    at_risk = losses[:, min(whole, n - 1)]
    return at_risk, (losses[:, :whole].sum(axis=1) + (beyond - whole) * at_risk) / beyond


def _ratio(above: Floats, below: Floats, defined: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    found: Floats = np.divide(above, below, out=np.full(len(above), math.nan), where=defined)
    return found
