"""The feature: how long ago the last large move was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate import rolling

Floats = NDArray[np.float64]


def since_shock(close: Floats, size: float, usual: int, longest: int) -> Floats:
    """Return the bars since the last large move as a share of `longest`: 0 on its bar, 1 from `longest` bars on.

    Parameters
    ----------
    close : ndarray, (n_bars, n_symbols)
        Row *t* is known at *t*.
    size : float
        A move is large if its return is more than `size` standard deviations of the `usual` returns before it.
    usual, longest : int
        Bars. A value reads ``usual + longest + 1`` closes: that is the lookback to declare.
    """
    change = np.abs(rolling.relative(close, rolling.shift(close)))
    deviation = rolling.shift(rolling.std(rolling.relative(close, rolling.shift(close)), usual))
    bar = np.arange(len(close), dtype=np.float64)[:, None]
    # NaN compares false: in the warm-up nothing is large.
    last = np.maximum.accumulate(np.where(change > size * deviation, bar, -np.inf), axis=0)
    value = np.minimum(bar - last, longest) / longest
    value[: usual + longest] = np.nan
    return np.where(np.isnan(close), np.nan, value)
