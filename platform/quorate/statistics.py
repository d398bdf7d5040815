"""The statistics behind metrics and gates; one definition each, used wherever the number appears.

Returns are simple, per bar, net, and zero where no position is held. Every ratio states how it is
annualised. What is undefined is NaN, never zero and never infinite.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TINY = 1e-12  # a standard deviation below this is rounding, not risk


def sharpe(returns: Floats, bars_per_year: float) -> float:
    """Return mean over standard deviation (ddof 1) of per-bar returns, times sqrt(bars per year).

    NaN for fewer than two returns, or when they do not vary.
    """
    if len(returns) < 2 or not np.isfinite(returns).all():
        return math.nan
    deviation = float(np.std(returns, ddof=1))
    if deviation < TINY:
        return math.nan
    return float(np.mean(returns)) / deviation * math.sqrt(bars_per_year)


def sharpe_interval(returns: Floats, bars_per_year: float, confidence: float = 0.90) -> tuple[float, float]:
    """Return a two-sided interval of the annualised Sharpe ratio under non-normal returns.

    Standard error per bar: sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / (T - 1)), with skewness g3 and raw
    kurtosis g4 (Mertens 2002; Bailey and Lopez de Prado 2012).
    """
    annual = sharpe(returns, bars_per_year)
    if math.isnan(annual):
        return math.nan, math.nan
    from scipy import stats

    per_bar = annual / math.sqrt(bars_per_year)
    centred = returns - returns.mean()
    variance = float(np.mean(centred**2))
    skew = float(np.mean(centred**3)) / variance**1.5
    kurtosis = float(np.mean(centred**4)) / variance**2
    error = sharpe_standard_error(per_bar, len(returns), skew, kurtosis)
    reach = float(stats.norm.ppf(0.5 + confidence / 2)) * error * math.sqrt(bars_per_year)
    return annual - reach, annual + reach


def sharpe_standard_error(per_bar: float, n: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Return the standard error of a per-bar Sharpe ratio of `n` returns; `kurtosis` is raw (normal: 3)."""
    # Never negative, as kurtosis >= 1 + skew^2; for returns of two values it is zero but for rounding.
    return math.sqrt(max(1 - skew * per_bar + (kurtosis - 1) / 4 * per_bar**2, 0.0) / (n - 1))


def drawdowns(equity: Floats) -> Floats:
    """Return, per bar, equity over its highest value so far, minus one; `equity` begins with the capital."""
    return equity / np.maximum.accumulate(equity) - 1


def max_drawdown(equity: Floats) -> float:
    """Return the deepest drawdown, negative or zero; a loss on the first bar counts."""
    if len(equity) == 0 or not np.isfinite(equity).all():
        return math.nan
    return float(drawdowns(equity).min())


def returns_of(equity: Floats) -> Floats:
    """Return the simple return of each bar after the first, along axis 0; zero once everything is lost."""
    before = equity[:-1]
    alive = ~(before <= 0)  # what is undefined stays undefined
    return np.where(alive, equity[1:] / np.where(alive, before, 1.0) - 1, 0.0)


def equity_curve(returns: Floats, capital: float = 1.0) -> Floats:
    """Return capital followed by its value after each return."""
    return capital * np.concatenate(([1.0], np.cumprod(1 + returns)))


def cagr(equity: Floats, bars_per_year: float) -> float:
    """Return the compound growth per year, by bars: (last / first)^(bars per year / bars) - 1."""
    if len(equity) < 2 or equity[-1] <= 0:
        return math.nan
    return float((equity[-1] / equity[0]) ** (bars_per_year / (len(equity) - 1)) - 1)


def volatility(returns: Floats, bars_per_year: float) -> float:
    """Return the annualised standard deviation (ddof 1) of per-bar returns."""
    return float(np.std(returns, ddof=1)) * math.sqrt(bars_per_year) if len(returns) > 1 else math.nan


def wilson_lower(wins: int, n: int, confidence: float = 0.95) -> float:
    """Return the one-sided Wilson lower bound of a proportion (Wilson 1927)."""
    if n == 0:
        return math.nan
    from statsmodels.stats.proportion import proportion_confint

    return float(proportion_confint(wins, n, alpha=2 * (1 - confidence), method="wilson")[0])


def block_length(returns: Floats) -> float:
    """Return the mean block of a stationary bootstrap that suits the returns' own dependence, at least 1 bar.

    Politis and White (2004), corrected by Patton, Politis and White (2009).
    """
    from arch.bootstrap import optimal_block_length

    best = float(optimal_block_length(returns)["stationary"].iloc[0])
    return max(best, 1.0) if math.isfinite(best) else 1.0


def drawdown_quantile(returns: Floats, seed: int, quantile: float = 0.95, draws: int = 500) -> float:
    """Return how deep the drawdown is in the worst ``1 - quantile`` of resampled histories, negative.

    The stationary bootstrap (Politis and Romano 1994) keeps runs of bad bars together, in blocks of
    `block_length`. NaN for fewer than 20 returns, or when they do not vary.
    """
    if len(returns) < 20 or not np.isfinite(returns).all() or np.std(returns) < TINY:
        return math.nan
    from arch.bootstrap import StationaryBootstrap

    bootstrap = StationaryBootstrap(block_length(returns), returns, seed=seed)
    depths = [max_drawdown(equity_curve(data[0][0])) for data in bootstrap.bootstrap(draws)]
    return float(np.quantile(depths, 1 - quantile))


def load() -> None:
    """Import what the slower statistics need, while there is nothing else to do."""
    import statsmodels.stats.proportion  # noqa: F401
