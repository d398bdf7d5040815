"""Figures of a series of returns beside those of the market over the same bars; no risk-free rate."""

from __future__ import annotations

import math

import numpy as np

from quorate.statistics._base import TINY, complete
from quorate.statistics._boundary import Market, Positive, Values, checked
from quorate.statistics._returns import sharpe


@checked
def beta(returns: Values, market: Market) -> float:
    """Return the slope of the returns on those of the market, both (n,) per bar (Sharpe 1964).

    NaN where the market is not known or does not vary.
    """
    if not complete(returns, market, least=2) or float(np.std(market)) < TINY:
        return math.nan
    centred = market - market.mean()
    return float(centred @ (returns - returns.mean()) / (centred @ centred))


@checked
def alpha(returns: Values, market: Market, bars_per_year: Positive) -> float:
    """Return what `beta` does not explain of the mean return, times bars per year (Jensen 1968)."""
    slope = beta(returns, market)
    return math.nan if math.isnan(slope) else (float(returns.mean()) - slope * float(market.mean())) * bars_per_year


@checked
def information_ratio(returns: Values, market: Market, bars_per_year: Positive) -> float:
    """Return the Sharpe ratio of the returns above the market's (Goodwin 1998).

    NaN where the market is not known, and for the market itself.
    """
    return sharpe(returns - market, bars_per_year) if complete(returns, market) else math.nan
