"""What a trade decided at *t* earns, from the fill at *t* + 1 to the fill `horizon` bars later."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def trade_return(prices: NDArray[np.float64], horizon: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return fill[t + 1 + horizon] / fill[t + 1] - 1, known at bar t + 1 + horizon."""
    n = len(prices)
    values = np.full_like(prices, np.nan)
    if n > horizon + 1:
        values[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    return values, ends


def direction(
    prices: NDArray[np.float64], horizon: int, above: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return 1 where the trade earns more than `above` (a fraction), else 0.

    Parameters
    ----------
    above : float, fraction
        The class is 1 where the trade earns more.
    """
    values, ends = trade_return(prices, horizon)
    return np.where(np.isnan(values), np.nan, values > above), ends
