"""Where the price stands against its own past."""

from __future__ import annotations

import numpy as np

from quorate.rolling import Floats, by_symbols, ewm, maximum, mean, minimum, ratio, relative, shift, total
from quorate.rolling import zscore as _zscore


@by_symbols
def sma_ratio(close: Floats, window: int) -> Floats:
    """Close relative to its mean, as a fraction."""
    return relative(close, mean(close, window))


@by_symbols
def sma_cross(close: Floats, fast: int, slow: int) -> Floats:
    """Mean of `fast` bars relative to that of `slow` bars, as a fraction."""
    return relative(mean(close, fast), mean(close, slow))


@by_symbols
def macd(close: Floats, fast: int, slow: int) -> Floats:
    """Exponential mean of `fast` bars less that of `slow` bars, as a fraction of the close.

    Source: G. Appel, Technical Analysis: Power Tools for Active Investors (2005), whose 8 and 17
    bars forget their start within the platform's usual warm-up; 12 and 26 do not.
    """
    return _macd_line(close, fast, slow) / close


@by_symbols
def macd_histogram(close: Floats, fast: int, slow: int, signal: int) -> Floats:
    """Line of `macd` less its own exponential mean of `signal` bars, as a fraction of the close."""
    line = _macd_line(close, fast, slow)
    return (line - ewm(line, 2.0 / (signal + 1))) / close


@by_symbols
def zscore(close: Floats, window: int) -> Floats:
    """Distance of the close from its mean in standard deviations; 0 where the price is flat."""
    return _zscore(close, window)


@by_symbols
def stochastic(high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Where the close lies between the lowest low (-1) and the highest high (1); 0 where they are equal."""
    top, bottom = maximum(high, window), minimum(low, window)
    return ratio((close - top) + (close - bottom), top - bottom)


@by_symbols
def below_maximum(close: Floats, price: Floats, window: int) -> Floats:
    """Close relative to the highest `price`, as a fraction, at most 0."""
    return relative(close, maximum(price, window))


@by_symbols
def above_minimum(close: Floats, price: Floats, window: int) -> Floats:
    """Close relative to the lowest `price`, as a fraction, at least 0."""
    return relative(close, minimum(price, window))


@by_symbols
def drawdown(close: Floats, window: int) -> Floats:
    """Close relative to the highest close, as a fraction, at most 0."""
    return relative(close, maximum(close, window))


@by_symbols
def efficiency_ratio(close: Floats, window: int) -> Floats:
    """Size of the net move over the length of the path, in 0..1; 0 where the price is flat.

    Source: P. J. Kaufman, Smarter Trading (1995).
    """
    path = total(np.abs(close - shift(close)), window)
    return ratio(np.abs(close - shift(close, window)), path)


@by_symbols
def directional_movement(high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Upward less downward movement over the true range, all summed, in -1..1; 0 where there is none.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978), with plain sums.
    """
    up, down = high - shift(high), shift(low) - low
    net = np.where(up > down, np.maximum(up, 0.0), -np.maximum(down, 0.0))
    before = shift(close)
    true_range = np.maximum(high, before) - np.minimum(low, before)
    return ratio(total(net, window), total(true_range, window))


def _macd_line(close: Floats, fast: int, slow: int) -> Floats:
    return ewm(close, 2.0 / (fast + 1)) - ewm(close, 2.0 / (slow + 1))
