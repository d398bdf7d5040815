"""Figures of a series of returns beside those of the market over the same bars; no risk-free rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import FEWEST, TINY, complete
from quorate.statistics._boundary import Confidence, Market, Positive, Values, checked
from quorate.statistics._mean import long_run
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


@dataclass(frozen=True)
class AlphaTest:
    """What the market does not explain of the mean return, and whether it is above zero beyond chance.

    Parameters
    ----------
    alpha, low : float
        Per bar, and what it is above with 95 % confidence, one-sided, or as much as was asked for.
    beta : float
        Slope on the market's returns.
    t, p_value : float
        Alpha over its standard error, and the chance of as much where there is none, one-sided.
    n, freedom : int
        Returns, and the degrees of freedom of the t distribution.
    """

    alpha: float
    low: float
    beta: float
    t: float
    p_value: float
    n: int
    freedom: int


@checked
def alpha_test(returns: Values, market: Market, confidence: Confidence = 0.95) -> AlphaTest:
    """Test whether returns have more than their share of the market's in them, whatever they depend on.

    The regression of Jensen (1968). Its constant has the error of the mean of the terms ``e (1 - m (x - m) / v)``, with
    the residuals e and the market's returns x of mean m and variance v: their long-run deviation is that of slow
    cosines, with a t distribution (Lazarus, Lewis, Stock and Watson 2018).

    Parameters
    ----------
    returns, market : ndarray of float64, (n,)
        Per bar. A market that does not move explains nothing: alpha is the mean return.
    confidence : float
        Of `AlphaTest.low`.

    Returns
    -------
    AlphaTest
        NaN where the market is not known, and for returns that it explains to the last digit; t, p-value and bound
        also for fewer than 10.
    """
    n, nan = len(returns), math.nan
    if not complete(returns, market, least=2):
        return AlphaTest(nan, nan, nan, nan, nan, n, 0)
    slope, mean = beta(returns, market), float(market.mean())
    slope = 0.0 if math.isnan(slope) else slope
    constant = float(returns.mean()) - slope * mean
    moved = market - mean
    residuals = returns - returns.mean() - slope * moved
    scale = max(float(np.abs(returns).max()), TINY)
    if n < FEWEST or float(np.std(residuals)) < TINY * scale:
        return AlphaTest(constant, nan, slope, nan, nan, n, 0)
    from scipy.special import stdtr, stdtrit

    variance = float(np.mean(moved**2))
    lever = mean / variance if variance > TINY**2 else 0.0
    deviation, freedom = long_run(residuals * (1 - lever * moved))
    error = deviation / math.sqrt(n)
    t = constant / error
    low = constant - float(stdtrit(freedom, confidence)) * error
    return AlphaTest(constant, low, slope, t, float(stdtr(freedom, -t)), n, freedom)


@checked
def information_ratio(returns: Values, market: Market, bars_per_year: Positive) -> float:
    """Return the Sharpe ratio of the returns above the market's (Goodwin 1998).

    NaN where the market is not known, and for the market itself.
    """
    return sharpe(returns - market, bars_per_year) if complete(returns, market) else math.nan
