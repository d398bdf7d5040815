"""What one bar looks like, beside the one before it and a typical one."""

from __future__ import annotations

import numpy as np

from quorate.rolling import Floats, by_symbols, mean, ratio, relative, shift, total


@by_symbols
def gap(open: Floats, close: Floats) -> Floats:
    """Open relative to the close before, as a fraction."""
    return relative(open, shift(close))


@by_symbols
def overnight_return(open: Floats, close: Floats, window: int) -> Floats:
    """Sum of the gaps of `window` bars, as a fraction."""
    return total(relative(open, shift(close)), window)


@by_symbols
def body(open: Floats, close: Floats) -> Floats:
    """Close relative to the open, as a fraction."""
    return relative(close, open)


@by_symbols
def body_share(open: Floats, high: Floats, low: Floats, close: Floats) -> Floats:
    """Close less open over the bar's range, in -1..1; 0 where there is no range."""
    return ratio(close - open, high - low)


@by_symbols
def upper_shadow(open: Floats, high: Floats, close: Floats) -> Floats:
    """High above the body, as a fraction of the close."""
    return (high - np.maximum(open, close)) / close


@by_symbols
def lower_shadow(open: Floats, low: Floats, close: Floats) -> Floats:
    """Low below the body, as a fraction of the close."""
    return (np.minimum(open, close) - low) / close


@by_symbols
def bar_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """High less low, as a fraction of the close."""
    return (high - low) / close


@by_symbols
def range_ratio(high: Floats, low: Floats, window: int) -> Floats:
    """Range of the bar relative to its mean, as a fraction; 0 where there was none."""
    size = high - low
    return relative(size, mean(size, window))


@by_symbols
def close_location(high: Floats, low: Floats, close: Floats, window: int) -> Floats:
    """Where the close lies between low (-1) and high (1), mean of `window` bars; 0 where they are equal."""
    return mean(ratio((close - high) + (close - low), high - low), window)
