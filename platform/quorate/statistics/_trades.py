"""Figures of closed trades. `gains` are net, (n_trades,), in currency or as fractions of what was at stake."""

from __future__ import annotations

import math

from quorate.statistics._base import complete
from quorate.statistics._boundary import Confidence, Natural, Number, Values, checked


@checked
def win_rate(gains: Values) -> float:
    """Return the share of trades with a net gain; a gain of zero is no win. NaN without trades."""
    return float((gains > 0).mean()) if complete(gains) else math.nan


@checked
def wilson_lower(wins: Natural, n: Natural, confidence: Confidence = 0.95) -> float:
    """Return the one-sided Wilson lower bound of a proportion (Wilson 1927); `wins` of `n`, NaN of none."""
    Number(most=n)("wilson_lower: wins", wins)
    if n == 0:
        return math.nan
    from statsmodels.stats.proportion import proportion_confint

    return float(proportion_confint(wins, n, alpha=2 * (1 - confidence), method="wilson")[0])


@checked
def expectancy(gains: Values) -> float:
    """Return the mean net gain of a trade, in the unit of `gains`. NaN without trades."""
    return float(gains.mean()) if complete(gains) else math.nan


@checked
def profit_factor(gains: Values) -> float:
    """Return the sum of the gains over that of the losses. NaN where nothing was lost."""
    if not complete(gains) or not (gains < 0).any():
        return math.nan
    return float(gains[gains > 0].sum() / -gains[gains < 0].sum())


@checked
def payoff(gains: Values) -> float:
    """Return the mean gain of a winning trade over the mean loss of a losing one. NaN without both."""
    if not complete(gains) or not (gains < 0).any() or not (gains > 0).any():
        return math.nan
    return float(gains[gains > 0].mean() / -gains[gains < 0].mean())
