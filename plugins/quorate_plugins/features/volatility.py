"""How much the price moves, and in what manner."""

from __future__ import annotations

import math

import numpy as np

from quorate.rolling import Floats, by_symbols, correlation, ewm, mean, ratio, relative, shift, std, total

# A deviation of returns this small is the rounding of a price that grows evenly.
_ROUNDING = 1e-12


@by_symbols
def volatility(close: Floats, window: int) -> Floats:
    """Sample standard deviation of one-bar returns (per bar, not annualised)."""
    return std(relative(close, shift(close)), window)


@by_symbols
def volatility_ratio(close: Floats, fast: int, slow: int) -> Floats:
    """Volatility of `fast` bars relative to that of `slow` bars, as a fraction."""
    returns = relative(close, shift(close))
    return relative(std(returns, fast), std(returns, slow), least=_ROUNDING)


@by_symbols
def overnight_volatility(open: Floats, close: Floats, window: int) -> Floats:
    """Sample standard deviation of the open relative to the close before."""
    return std(relative(open, shift(close)), window)


@by_symbols
def atr(high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Wilder's average true range, as a fraction of the close.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978).
    """
    before = shift(close)
    true_range = np.maximum(high, before) - np.minimum(low, before)
    return ewm(true_range, 1.0 / window, first=1, seed=window) / close


@by_symbols
def parkinson(high: Floats, low: Floats, window: int) -> Floats:
    """Volatility per bar from highs and lows.

    Source: M. Parkinson, The extreme value method, Journal of Business 53 (1980).
    """
    spread = np.log(high / low)
    variance = mean(spread * spread, window) * (1.0 / (4.0 * math.log(2.0)))
    return np.sqrt(variance, out=variance)


@by_symbols
def garman_klass(open: Floats, high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Volatility per bar from opens, highs, lows and closes, gaps left out.

    Source: M. B. Garman and M. J. Klass, On the estimation of security price volatilities, Journal
    of Business 53 (1980).
    """
    spread, body = np.log(high / low), np.log(close / open)
    variance = mean(0.5 * spread * spread - (2.0 * math.log(2.0) - 1.0) * body * body, window)
    np.maximum(variance, 0.0, out=variance)
    return np.sqrt(variance, out=variance)


@by_symbols
def bollinger_width(close: Floats, window: int) -> Floats:
    """Sample standard deviation of the close, as a fraction of its mean."""
    return std(close, window) / mean(close, window)


@by_symbols
def range_trend(high: Floats, low: Floats, close: Floats, fast: int, slow: int) -> Floats:
    """Mean range of `fast` bars relative to that of `slow` bars, as a fraction."""
    size = (high - low) / close
    return relative(mean(size, fast), mean(size, slow))


@by_symbols
def downside_share(close: Floats, window: int) -> Floats:
    """Share of squared returns from falling bars less that from rising ones, in -1..1."""
    returns = relative(close, shift(close))
    return ratio(-total(returns * np.abs(returns), window), total(returns * returns, window))


@by_symbols
def skewness(close: Floats, window: int) -> Floats:
    """Skewness of one-bar returns, corrected for bias; 0 where they hardly vary.

    Source: D. N. Joanes and C. A. Gill, Comparing measures of sample skewness and kurtosis, The
    Statistician 47 (1998).
    """
    returns = relative(close, shift(close))
    squared = returns * returns
    centre, square = mean(returns, window), mean(squared, window)
    variance = square - centre * centre
    third = mean(squared * returns, window) - centre * (3.0 * variance + centre * centre)
    # Where the mean dwarfs the deviations, the third moment is a difference of nearly equal numbers.
    varied = np.where(variance > 1e-4 * square, variance, 0.0 * variance)
    return ratio(third, varied * np.sqrt(varied)) * (math.sqrt(window * (window - 1)) / (window - 2))


@by_symbols
def autocorrelation(close: Floats, window: int) -> Floats:
    """Correlation of `window` one-bar returns with those a bar before, in -1..1; 0 where they hardly vary."""
    returns = relative(close, shift(close))
    return correlation(returns, shift(returns), window)
