"""Drawdowns: how far, how long, and how deep in histories that might have been."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import TINY, block_length, complete, known
from quorate.statistics._boundary import Count, Floats, Natural, Share, Values, checked
from quorate.statistics._resampling import in_steps, positions


@dataclass(frozen=True)
class Drawdown:
    """One drawdown, in positions of the equity.

    Parameters
    ----------
    depth : float
        Equity at the trough over that at the peak, minus one; negative, and -1 where nothing is left.
    peak, trough : int
        The last bar at the highest value before the fall, and the lowest after it.
    recovery : int or None
        The first bar that is at the peak's value again; None if none is. What has lost everything does not recover.
    bars : int
        From the peak to the recovery, or to the last bar.
    """

    depth: float
    peak: int
    trough: int
    recovery: int | None
    bars: int


@checked
def drawdowns(equity: Values) -> Floats:
    """Return, per bar, equity over its highest value so far, minus one; `equity` begins with the capital.

    More than everything cannot be lost: at least -1, also where equity goes below zero. NaN without capital.
    """
    equity = known(equity)
    highest = np.maximum.accumulate(equity)
    return _depths(equity, np.where(highest > 0, highest, math.nan))


def _depths(equity: Floats, highest: Floats) -> Floats:
    return np.maximum(equity / highest - 1, -1.0)


@checked
def max_drawdown(equity: Values) -> float:
    """Return the deepest drawdown, negative or zero; a loss on the first bar counts. NaN without initial capital."""
    if not complete(equity) or equity[0] <= 0:
        return math.nan
    return float(drawdowns(equity).min())


@checked
def worst_drawdown(equity: Values) -> Drawdown | None:
    """Return the deepest drawdown, the first of equal ones; None where the equity never falls or is not known.

    Its depth is NaN without initial capital.
    """
    if not complete(equity):
        return None
    if equity[0] <= 0:
        return Drawdown(math.nan, 0, 0, None, len(equity) - 1)
    depths = drawdowns(equity)
    trough = int(depths.argmin())
    if depths[trough] >= 0:
        return None
    before = equity[:trough]
    peak = trough - 1 - int(before[::-1].argmax())
    back = np.flatnonzero(equity[trough:] >= equity[peak])
    recovery = trough + int(back[0]) if len(back) and equity[trough] > 0 else None
    last = len(equity) - 1 if recovery is None else recovery
    return Drawdown(float(depths[trough]), peak, trough, recovery, last - peak)


@checked
def drawdown_quantile(returns: Values, seed: Natural, quantile: Share = 0.95, draws: Count = 500) -> float:
    """Return how deep the drawdown is in the worst ``1 - quantile`` of resampled histories, negative.

    The stationary bootstrap (Politis and Romano 1994) keeps runs of bad bars together, in blocks of
    `block_length`. NaN for fewer than 20 returns, or when they do not vary.
    """
    if not complete(returns, least=20) or np.std(returns) < TINY:
        return math.nan
    once, step = in_steps(1 + returns, np.multiply)
    growth, block, depths = np.tile(once, 2), block_length(returns if step == 1 else once), []
    for drawn in positions(len(once), block, draws, seed):
        equity: Floats = np.multiply.accumulate(growth[drawn], axis=1)
        highest = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)  # the capital at the start is one, too
        depths.append(_depths(equity, highest).min(axis=1))
    return float(np.quantile(np.concatenate(depths), 1 - quantile))
