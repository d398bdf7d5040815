"""What all statistics share."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from quorate.statistics._boundary import Columns, Floats, Positions, checked

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
    from arch.bootstrap import optimal_block_length

    # A series that does not vary has no autocorrelation; it asks for no block.
    with np.errstate(divide="ignore", invalid="ignore"):
        best = optimal_block_length(returns)["stationary"].to_numpy(dtype=np.float64)
    return float(np.max(best, initial=1.0, where=np.isfinite(best)))


def resamples(n: int, block: float, draws: int, seed: int) -> Iterator[Positions]:
    """Yield `draws` times the positions (n,) of a stationary bootstrap (Politis and Romano 1994)."""
    from arch.bootstrap import StationaryBootstrap

    # arch documents a whole number of bars, but needs only its inverse, a probability.
    for data in StationaryBootstrap(block, np.arange(n), seed=seed).bootstrap(draws):
        yield data[0][0]
