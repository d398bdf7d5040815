"""What a trade decided at *t* earns, from the fill at *t* + 1 to the fill `horizon` bars later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Horizon = int | NDArray[np.int64]  # of all bars, or of each bar and symbol


def trade_return(prices: NDArray[np.float64], horizon: Horizon) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return fill[t + 1 + horizon] / fill[t + 1] - 1, known at bar t + 1 + horizon."""
    n = len(prices)
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    later = np.vstack([prices, np.full((1, prices.shape[1]), np.nan)])  # of what ends after the last bar
    return np.take_along_axis(later, np.minimum(ends, n), axis=0) / later[1:] - 1, ends


def direction(
    prices: NDArray[np.float64], horizon: Horizon, above: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return 1 where the trade earns more than `above` (a fraction), else 0.

    Parameters
    ----------
    above : float, fraction
        The class is 1 where the trade earns more.
    """
    values, ends = trade_return(prices, horizon)
    return np.where(np.isnan(values), np.nan, values > above), ends
