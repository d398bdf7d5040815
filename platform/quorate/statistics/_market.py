"""Figures of a series of returns beside those of the market over the same bars; no risk-free rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from quorate.statistics._base import FEWEST, TINY, complete
from quorate.statistics._boundary import Confidence, Floats, Market, Matrix, Positive, Values, checked
from quorate.statistics._mean import long_run
from quorate.statistics._returns import sharpe

SAME = 1e-6  # share of a factor's deviation that others must leave of it


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
    fit = _Fit(returns, market[:, None])
    if n < FEWEST or not fit.varies:
        return AlphaTest(fit.alpha, nan, fit.betas[0], nan, nan, n, 0)
    found = _tested(fit.alpha, fit.residuals * fit.of_alpha, confidence)
    return AlphaTest(fit.alpha, found.low, fit.betas[0], found.t, found.above, n, found.freedom)


class Coefficient(NamedTuple):
    """A coefficient of a regression, with what it may be by chance.

    Parameters
    ----------
    value : float
        As it was estimated.
    low, high : float
        Between which it lies with the confidence that was asked for.
    p_value : float
        Of zero, two-sided.
    """

    value: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True)
class FactorModel:
    """What returns have of several factors, and what is left.

    Parameters
    ----------
    alpha : Coefficient
        The constant, per period.
    p_above : float
        The chance of as much or more where there is no alpha, one-sided.
    betas : tuple of Coefficient
        Of each factor.
    r_squared : float
        The share of the variance that the factors explain.
    residual : float
        Standard deviation of what they do not explain, per period, by n - k - 1 degrees of freedom.
    n, freedom : int
        Periods, and the degrees of freedom of the t distribution.
    dependent : int, optional
        The first factor that does not vary or is made of those before it, so that nothing can be told.
    """

    alpha: Coefficient
    p_above: float
    betas: tuple[Coefficient, ...]
    r_squared: float
    residual: float
    n: int
    freedom: int
    dependent: int | None = None

    @property
    def appraisal(self) -> float:
        """Alpha over the deviation of the residuals, per period (Treynor and Black 1973)."""
        return self.alpha.value / self.residual if self.residual >= TINY else math.nan


@checked
def factor_model(returns: Values, factors: Matrix, confidence: Confidence = 0.9) -> FactorModel:
    """Regress returns on a constant and several factors, with errors for returns that depend on each other.

    Ordinary least squares (Jensen 1968; Fama and French 1993). The error of each coefficient is that of the mean of the
    residuals times its influence: the long-run deviation of slow cosines, with a t distribution (Lazarus, Lewis, Stock
    and Watson 2018). `alpha_test` is the same with one factor.

    Parameters
    ----------
    returns : ndarray of float64, (n,)
        Per period.
    factors : ndarray of float64, (n, k)
        What each factor earned in the same periods.
    confidence : float
        Of the intervals, two-sided.

    Returns
    -------
    FactorModel
        NaN where something is not known, where there are fewer than 10 periods more than coefficients, and where a
        factor does not vary or is made of those before it; errors also for returns that the factors explain to the last
        digit.
    """
    n, k = factors.shape
    nothing = Coefficient(math.nan, math.nan, math.nan, math.nan)
    unknown = FactorModel(nothing, math.nan, (nothing,) * k, math.nan, math.nan, n, 0)
    if k == 0 or not complete(returns, *factors.T, least=FEWEST + k + 1):
        return unknown
    fit = _Fit(returns, factors)
    if fit.dead:
        return replace(unknown, dependent=fit.dead[0])
    total = float(np.sum((returns - returns.mean()) ** 2))
    left = float(np.sum(fit.residuals**2))
    explained = 1 - left / total if total > 0 else math.nan
    residual = math.sqrt(left / (n - k - 1))
    if not fit.varies:
        exact = [Coefficient(value, math.nan, math.nan, math.nan) for value in (fit.alpha, *fit.betas)]
        return FactorModel(exact[0], math.nan, tuple(exact[1:]), explained, residual, n, 0)
    side = (1 + confidence) / 2
    alpha = _tested(fit.alpha, fit.residuals * fit.of_alpha, side)
    betas = [_tested(b, fit.residuals * fit.of_beta(j), side) for j, b in enumerate(fit.betas)]
    told = [Coefficient(one.value, one.low, 2 * one.value - one.low, one.apart) for one in (alpha, *betas)]
    return FactorModel(told[0], alpha.above, tuple(told[1:]), explained, residual, n, alpha.freedom)


class _Fit:
    """A least-squares fit of returns on a constant and factors, each cleared of those before it (Gram and Schmidt)."""

    def __init__(self, returns: Floats, factors: Floats) -> None:
        self.dead: list[int] = []  # factors that explain nothing: constant, or made of others
        self._basis: list[Floats] = []
        self._mixed = np.eye(factors.shape[1])  # factor j = sum of mixed[i, j] basis i
        means: list[float] = []
        own: list[float] = []
        residuals = returns - returns.mean()
        for j, column in enumerate(np.ascontiguousarray(factors.T)):
            mean = float(column.mean())
            moved = column - mean
            whole = float(np.std(column))
            for i, base in [*enumerate(self._basis)] * 2:  # twice is enough against rounding
                if i not in self.dead:
                    share = float(base @ moved / (base @ base))
                    moved, self._mixed[i, j] = moved - share * base, self._mixed[i, j] + share
            if float(np.std(moved)) < max(TINY, SAME * whole if j else 0.0):
                self.dead.append(j)
            self._basis.append(moved)
            means.append(mean - sum(self._mixed[i, j] * means[i] for i in range(j)))
            slope = 0.0 if j in self.dead else float(moved @ (returns - returns.mean()) / (moved @ moved))
            residuals = residuals - slope * moved
            own.append(slope)
        self.residuals = residuals
        self.alpha = float(returns.mean())
        self.of_alpha: Floats = np.ones(len(returns))
        for mean, slope, base in zip(means, own, self._basis, strict=True):
            self.alpha -= slope * mean
            variance = float(np.mean(base**2))
            self.of_alpha = self.of_alpha - (mean / variance if variance > TINY**2 else 0.0) * base
        self._back = np.linalg.inv(self._mixed)
        self.betas = [float(b) for b in self._back @ np.array(own)]
        scale = max(float(np.abs(returns).max()), TINY)
        self.varies = float(np.std(residuals)) >= TINY * scale

    def of_beta(self, j: int) -> Floats:
        """Return the influence of each period on the coefficient of a factor, (n,)."""
        columns = [self._back[j, i] / float(np.mean(base**2)) * base for i, base in enumerate(self._basis)]
        found: Floats = np.sum(columns, axis=0)
        return found


class _Tested(NamedTuple):
    value: float
    low: float
    t: float
    above: float
    apart: float
    freedom: int


def _tested(value: float, terms: Floats, confidence: float) -> _Tested:
    """Return a coefficient with its one-sided bound, and the chances of as much above zero, and apart from it."""
    from scipy.special import stdtr, stdtrit

    deviation, freedom = long_run(terms)
    error = deviation / math.sqrt(len(terms))
    t = value / error
    low = value - float(stdtrit(freedom, confidence)) * error
    return _Tested(value, low, t, float(stdtr(freedom, -t)), 2 * float(stdtr(freedom, -abs(t))), freedom)


@checked
def capture(returns: Values, market: Values) -> tuple[float, float]:
    """Return the mean return over the market's, in periods in which that rose, and in which it fell (Bacon 2008).

    NaN where there are none.
    """
    if not complete(returns, market):
        return math.nan, math.nan
    up, down = (
        float(returns[some].mean() / market[some].mean()) if some.any() else math.nan
        for some in (market > 0, market < 0)
    )
    return up, down


@checked
def information_ratio(returns: Values, market: Market, bars_per_year: Positive) -> float:
    """Return the Sharpe ratio of the returns above the market's (Goodwin 1998).

    NaN where the market is not known, and for the market itself.
    """
    return sharpe(returns - market, bars_per_year) if complete(returns, market) else math.nan
