"""Labels of a symbol among the others: they say which to hold, whatever the market does. They need several symbols."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.labels.returns import trade_return

Answer = tuple[NDArray[np.float64], NDArray[Any]]


def rank(prices: NDArray[np.float64], horizon: int) -> Answer:
    """Return where what the trade earns stands among all symbols that have one, from -0.5 (least) to 0.5 (most).

    Of n symbols the one at place k, counted from 1, has ``(k - 0.5) / n - 0.5``; equal ones share their places.
    """
    from scipy import stats

    values, ends = trade_return(prices, horizon)
    n = np.isfinite(values).sum(axis=1, keepdims=True)
    places = stats.rankdata(values, axis=1, nan_policy="omit")
    return (places - 0.5) / np.maximum(n, 1) - 0.5, ends


def neutral_return(prices: NDArray[np.float64], horizon: int) -> Answer:
    """Return what the trade earns less the mean of all symbols that have one at the bar."""
    values, ends = trade_return(prices, horizon)
    known = np.isfinite(values)
    n = known.sum(axis=1, keepdims=True)
    mean = np.where(known, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(n, 1)
    return values - mean, ends
