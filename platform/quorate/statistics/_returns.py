"""Figures of a series of returns; those beside the market are in `_market`."""

from __future__ import annotations

import math

import numpy as np

from quorate.statistics._base import TINY, complete, finite, known
from quorate.statistics._boundary import Columns, Floats, Level, Natural, Positive, Times, Values, checked
from quorate.statistics._drawdown import max_drawdown

YEAR = np.timedelta64(31_557_600, "s")  # 365.25 days


@checked
def sharpe(returns: Values, bars_per_year: Positive) -> float:
    """Return mean over standard deviation (ddof 1) of per-bar returns, times sqrt(bars per year).

    NaN for fewer than two returns, or when they do not vary.
    """
    if not complete(returns, least=2):
        return math.nan
    deviation = float(np.std(returns, ddof=1))
    if deviation < TINY or not math.isfinite(deviation):
        return math.nan
    return float(np.mean(returns)) / deviation * math.sqrt(bars_per_year)


@checked
def sortino(returns: Values, bars_per_year: Positive) -> float:
    """Return mean over downside deviation of per-bar returns, times sqrt(bars per year).

    The downside deviation is the root mean square of the returns below zero over all bars, those that
    gain counting as zero (Sortino and Price 1994, target 0). NaN where nothing was lost.
    """
    if not complete(returns, least=2):
        return math.nan
    downside = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(np.mean(returns)) / downside * math.sqrt(bars_per_year) if TINY <= downside < math.inf else math.nan


@checked
def calmar(equity: Values, bars_per_year: Positive) -> float:
    """Return the compound growth per year over the depth of the deepest drawdown (Young 1991).

    Over the whole span, not the last three years only. NaN without a drawdown.
    """
    depth = -max_drawdown(equity)
    return cagr(equity, bars_per_year) / depth if depth >= TINY else math.nan


@checked
def returns_of(equity: Columns) -> Floats:
    """Return the simple return of each bar after the first, along axis 0; zero once everything is lost."""
    equity = known(equity)
    before = equity[:-1]
    alive = ~(before <= 0)  # what is undefined stays undefined
    return np.where(alive, equity[1:] / np.where(alive, before, 1.0) - 1, 0.0)


@checked
def equity_curve(returns: Values, capital: Positive = 1.0) -> Floats:
    """Return capital followed by its value after each return."""
    return capital * np.concatenate(([1.0], np.cumprod(1 + known(returns))))


@checked
def cagr(equity: Values, bars_per_year: Positive) -> float:
    """Return the compound growth per year, by bars: (last / first)^(bars per year / bars) - 1.

    NaN without initial capital, where nothing is left, or where the growth is too large for a number.
    """
    if not complete(equity, least=2) or equity[0] <= 0 or equity[-1] <= 0:
        return math.nan
    with np.errstate(over="ignore"):
        return finite((equity[-1] / equity[0]) ** (bars_per_year / (len(equity) - 1)) - 1)


@checked
def cagr_calendar(equity: Values, times: Times) -> float:
    """Return the compound growth per year of 365.25 days, by the stamps of the bars, (n_bars,). NaN as `cagr`."""
    if not complete(equity, least=2) or equity[0] <= 0 or equity[-1] <= 0 or not times[-1] > times[0]:
        return math.nan
    with np.errstate(over="ignore"):
        return finite((equity[-1] / equity[0]) ** (YEAR / (times[-1] - times[0])) - 1)


@checked
def volatility(returns: Values, bars_per_year: Positive) -> float:
    """Return the annualised standard deviation (ddof 1) of per-bar returns. NaN for fewer than two."""
    return finite(float(np.std(returns, ddof=1)) * math.sqrt(bars_per_year)) if complete(returns, least=2) else math.nan


@checked
def value_at_risk(returns: Values, level: Level = 0.95) -> float:
    """Return the loss of one bar that is not exceeded with probability `level`, a gain being negative.

    Historical: the smallest loss that at least the share `level` of all bars does not exceed, one of
    the losses themselves (McNeil, Frey and Embrechts 2015, section 2.2). With 100 bars and a level of
    0.95 the sixth largest loss. NaN where no bar lies beyond the level: for fewer than 1 / (1 - level).
    """
    losses, beyond = _tail(returns, level)
    return float(losses[min(math.floor(beyond), len(losses) - 1)]) if len(losses) else math.nan


@checked
def expected_shortfall(returns: Values, level: Level = 0.95) -> float:
    """Return the mean loss of the worst ``1 - level`` of all bars, a gain being negative.

    Where that share is no whole number of bars, the last one counts with the part that is in it
    (Acerbi and Tasche 2002), so that it is coherent and never below `value_at_risk`. NaN as there.
    """
    losses, beyond = _tail(returns, level)
    if not len(losses):
        return math.nan
    whole = math.floor(beyond)
    part = (beyond - whole) * losses[min(whole, len(losses) - 1)]
    return float((losses[:whole].sum() + part) / beyond)


def _tail(returns: Floats, level: float) -> tuple[Floats, float]:
    """Return all losses, the largest first, and how many are beyond the level; none where there is no tail."""
    # 0.05 * 100 bars are 5 of them and not 5.0000000000000044.
    beyond = round(len(returns) * (1 - level), 9)
    if beyond < 1 or not complete(returns):
        return np.empty(0), 0.0
    return np.sort(-returns)[::-1], beyond


@checked
def autocorrelation(returns: Values, lag: Natural = 1) -> float:
    """Return the sample autocorrelation at a lag, deviations from the mean of all; NaN where nothing varies."""
    if not complete(returns, least=lag + 2) or float(np.std(returns)) < TINY:
        return math.nan
    centred = returns - returns.mean()
    return float(centred[lag:] @ centred[: len(centred) - lag] / (centred @ centred))


@checked
def lo_eta(autocorrelations: Values, bars_per_year: Positive) -> float:
    """Return what annualises a Sharpe ratio of autocorrelated returns, in place of sqrt(bars per year).

    ``q / sqrt(q + 2 sum_k (q - k) rho_k)`` of Lo (2002), eq. 20.

    Parameters
    ----------
    autocorrelations : ndarray of float64, (n_lags,)
        At lags 1, 2, ...; those from lag q on do not count.
    bars_per_year : float
        q.

    Returns
    -------
    float
        NaN where the sum leaves no positive variance.
    """
    if not np.isfinite(autocorrelations).all():
        return math.nan
    q = bars_per_year
    lags = np.arange(1, len(autocorrelations) + 1)
    spread = q + 2 * float(np.maximum(q - lags, 0.0) @ autocorrelations)
    return q / math.sqrt(spread) if spread > 0 else math.nan


@checked
def lo_factor(returns: Values, bars_per_year: Positive) -> float:
    """Return `lo_eta` with the returns' own autocorrelations, up to lag ``4 (T / 100)^(2/9)``.

    Those of later lags are taken for zero: with a year of several hundred bars the errors of their
    estimates would outweigh them. The number of lags is the rule of Newey and West (1994).
    """
    lags = math.floor(4 * (max(len(returns), 1) / 100) ** (2 / 9))
    lags = min(lags, math.ceil(bars_per_year) - 1)
    if len(returns) < 20 or math.isnan(autocorrelation(returns)):
        return math.nan
    return lo_eta(np.array([autocorrelation(returns, k) for k in range(1, lags + 1)]), bars_per_year)


@checked
def lo_sharpe(returns: Values, bars_per_year: Positive) -> float:
    """Return the Sharpe ratio annualised by `lo_factor` (Lo 2002); NaN for fewer than 20 returns."""
    return sharpe(returns, 1.0) * lo_factor(returns, bars_per_year)
