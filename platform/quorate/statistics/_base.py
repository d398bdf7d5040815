"""What all statistics share."""

from __future__ import annotations

import math

import numpy as np

from quorate.statistics._boundary import Columns, Floats, checked

TINY = 1e-12  # a standard deviation below this is rounding, not risk
FEWEST = 10  # observations, below which the normal distribution says nothing of a test statistic


def complete(*arrays: Floats, least: int = 1) -> bool:
    """Return whether all have the same number of finite values, at least `least`."""
    n = len(arrays[0])
    return n >= least and all(len(a) == n and bool(np.isfinite(a).all()) for a in arrays)


def known(values: Floats) -> Floats:
    """Return the values, NaN where they are infinite: that is not known either."""
    return values if np.isfinite(values).all() else np.where(np.isfinite(values), values, math.nan)


def finite(value: float) -> float:
    """Return the value, NaN where it is infinite."""
    return float(value) if math.isfinite(value) else math.nan


@checked
def block_length(returns: Columns) -> float:
    """Return the mean block of a stationary bootstrap that suits the returns' own dependence, at least 1 bar.

    Politis and White (2004), corrected by Patton, Politis and White (2009). Of several series, (n, k),
    the longest. One bar where they are too few to tell, or do not vary; NaN where one is not known.
    """
    if not np.isfinite(returns).all():
        return math.nan
    if len(returns) < 10:
        return 1.0
    # A series that does not vary has no autocorrelation; it asks for no block.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        best = _block_lengths(returns.reshape(len(returns), -1))
    return float(np.max(best, initial=1.0, where=np.isfinite(best)))


def _block_lengths(values: Floats) -> Floats:
    """Return the mean block of each column, as arch 8.0's `optimal_block_length`, for all columns at once.

    Without its products of long vectors, whose last bits depend on the processor and the number of threads.
    """
    n = len(values)
    band, few = 2 * math.sqrt(math.log10(n) / n), max(5, int(math.log10(n)))
    most = math.ceil(math.sqrt(n)) + few
    covariance = autocovariances(values, most)
    squares = np.cumsum((values - values.mean(axis=0)) ** 2, axis=0)
    lag = np.arange(most + 1)
    spread = np.sqrt((squares[-1] - squares[lag]) * squares[n - 2 - lag])  # of the first and the last n - lag - 1
    small = np.abs(covariance) * n / spread < band
    # The first lag from which on `few` correlations are small ends what counts; without one, all do.
    runs = np.lib.stride_tricks.sliding_window_view(small, few, axis=0)[: most + 1 - few].all(axis=2)
    ends = np.where(runs.any(axis=0), np.minimum(2 * np.maximum(runs.argmax(axis=0), 1), most), most)
    weight = np.clip(2 * (1 - lag[:, None] / ends), 0.0, 1.0)
    weight[0] = 0.5  # every other lag counts for two
    slope = (2 * weight * lag[:, None] * covariance).sum(axis=0)
    level = (2 * weight * covariance).sum(axis=0)
    longest = math.ceil(min(3 * math.sqrt(n), n / 3))
    found: Floats = np.minimum((slope**2 / level**2) ** (1 / 3) * n ** (1 / 3), longest)
    return found


def autocovariances(values: Floats, most: int) -> Floats:
    """Return the autocovariances of each column at the lags 0 to `most`, (most + 1, n_columns)."""
    n = len(values)
    size = 1 << (n + most).bit_length()  # with room behind, so that the end does not meet the beginning
    spectrum = np.abs(np.fft.rfft(values - values.mean(axis=0), size, axis=0)) ** 2
    found: Floats = np.fft.irfft(spectrum, axis=0)[: most + 1] / n
    return found
