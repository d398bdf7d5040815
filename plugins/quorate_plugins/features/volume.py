"""How much is traded, and on which side. Bars without volume count as nothing traded."""

from __future__ import annotations

import numpy as np

from quorate.rolling import Floats, by_symbols, correlation, mean, ratio, relative, shift, std, total, zscore


@by_symbols
def volume_ratio(volume: Floats, window: int) -> Floats:
    """Volume relative to its mean, as a fraction; 0 where nothing was traded."""
    return relative(volume, mean(volume, window))


@by_symbols
def volume_zscore(volume: Floats, window: int) -> Floats:
    """Distance of the volume from its mean in standard deviations; 0 where it does not vary."""
    return zscore(volume, window)


@by_symbols
def volume_trend(volume: Floats, fast: int, slow: int) -> Floats:
    """Mean volume of `fast` bars relative to that of `slow` bars, as a fraction."""
    return relative(mean(volume, fast), mean(volume, slow))


@by_symbols
def volume_variation(volume: Floats, window: int) -> Floats:
    """Sample standard deviation of the volume over its mean."""
    return ratio(std(volume, window), mean(volume, window))


@by_symbols
def money_flow(high: Floats, low: Floats, close: Floats, volume: Floats, window: int) -> Floats:
    """Value traded at rising typical prices less that at falling ones, over all of it, in -1..1."""
    typical = _typical(high, low, close)
    value = typical * volume
    return ratio(total(np.sign(typical - shift(typical)) * value, window), total(value, window))


@by_symbols
def signed_volume(close: Floats, volume: Floats, window: int) -> Floats:
    """Volume of rising bars less that of falling ones, over all of it, in -1..1.

    The change of J. Granville's on-balance volume (1963), made scale-free.
    """
    return ratio(total(np.sign(close - shift(close)) * volume, window), total(volume, window))


@by_symbols
def accumulation(high: Floats, low: Floats, close: Floats, volume: Floats, window: int) -> Floats:
    """Where the closes lie in their bars, weighted by volume, in -1..1 (M. Chaikin's money flow)."""
    location = ratio((close - high) + (close - low), high - low)
    return ratio(total(location * volume, window), total(volume, window))


@by_symbols
def illiquidity(close: Floats, volume: Floats, fast: int, slow: int) -> Floats:
    """Mean price impact of `fast` bars relative to that of `slow` bars, as a fraction.

    The impact of a bar is the size of its return per value traded; 0 for a bar without volume.

    Source: Y. Amihud, Illiquidity and stock returns, Journal of Financial Markets 5 (2002).
    """
    impact = ratio(np.abs(relative(close, shift(close))), close * volume)
    return relative(mean(impact, fast), mean(impact, slow))


@by_symbols
def volume_return_correlation(close: Floats, volume: Floats, window: int) -> Floats:
    """Correlation of one-bar returns and volumes, in -1..1; 0 where either hardly varies."""
    return correlation(relative(close, shift(close)), volume, window)


@by_symbols
def vwap_distance(high: Floats, low: Floats, close: Floats, volume: Floats, window: int) -> Floats:
    """Close relative to the mean price of what was traded, as a fraction; 0 where nothing was."""
    value = total(_typical(high, low, close) * volume, window)
    return relative(close * total(volume, window), value)


def _typical(high: Floats, low: Floats, close: Floats) -> Floats:
    return (high + low + close) * (1.0 / 3.0)
