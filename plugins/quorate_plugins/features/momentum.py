"""How far and how steadily the price has moved."""

from __future__ import annotations

import numpy as np

from quorate.rolling import Floats, by_symbols, ewm, mean, ratio, relative, shift, total


@by_symbols
def past_return(close: Floats, window: int) -> Floats:
    """Return of the last `window` bars, as a fraction."""
    return relative(close, shift(close, window))


@by_symbols
def return_to_volatility(close: Floats, window: int) -> Floats:
    """Sum of returns over its largest possible value at this size of returns, in -1..1."""
    returns = relative(close, shift(close))
    return ratio(total(returns, window), np.sqrt(window * total(returns * returns, window)))


@by_symbols
def acceleration(close: Floats, window: int) -> Floats:
    """Return of the last `window` bars less that of the `window` bars before."""
    recent = relative(close, shift(close, window))
    return recent - shift(recent, window)


@by_symbols
def up_share(close: Floats, window: int) -> Floats:
    """Share of rising bars less the share of falling ones, in -1..1."""
    return mean(np.sign(close - shift(close)), window)


@by_symbols
def rsi(close: Floats, window: int) -> Floats:
    """Wilder's relative strength index, moved from 0..100 to -1..1; 0 if the price never moved.

    Where the price stands still it keeps its value, however old that is.

    Source: J. W. Wilder, New Concepts in Technical Trading Systems (1978).
    """
    change = close - shift(close)
    net = ewm(change, 1.0 / window, first=1, seed=window)
    return ratio(net, ewm(np.abs(change), 1.0 / window, first=1, seed=window))
