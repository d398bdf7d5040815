"""Labels in units of what prices have moved until the decision."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate_plugins.labels.returns import Horizon, trade_return

Answer = tuple[NDArray[np.float64], NDArray[Any]]


def scaled_return(prices: NDArray[np.float64], horizon: Horizon, span: int = 50) -> Answer:
    """Return what the trade earns over its expected move: the volatility of a bar times the root of the horizon.

    Parameters
    ----------
    span : int, bars
        Over which volatility is weighted exponentially.
    """
    values, ends = trade_return(prices, horizon)
    return values / (_volatility(prices, span) * np.sqrt(horizon)), ends


def triple_barrier(
    prices: NDArray[np.float64], horizon: Horizon, up: float = 1.0, down: float = 1.0, span: int = 50
) -> Answer:
    """Return 1 where the fill price reaches the upper barrier before the lower one, 0 where the lower one is first.

    The barriers lie `up` and `down` expected moves from the fill: the volatility of a bar, known at the decision, times
    the root of the horizon. Where none is reached in time, the sign of what was earned decides. The label is known
    at the touch (Lopez de Prado 2018, chapter 3).

    Parameters
    ----------
    up, down : float
        Distance of the barriers, in expected moves.
    span : int, bars
        Over which volatility is weighted exponentially.
    """
    if min(up, down) <= 0:
        raise ValueError(f"up and down must be above 0; they were {up} and {down}")
    earned, ends = first_touch(prices, horizon, up, down, span)
    return np.where(np.isnan(earned), np.nan, earned > 0), ends


def first_touch(
    prices: NDArray[np.float64],
    horizon: Horizon,
    up: float,
    down: float,
    span: int,
    side: NDArray[np.float64] | float = 1.0,
) -> Answer:
    """Return what a trade on a `side` earns until it touches a barrier, or the horizon is over, and at which bar."""
    n = len(prices)
    width = _volatility(prices, span) * np.sqrt(horizon)
    longest = int(np.max(horizon, initial=1))
    later = np.vstack([prices, np.full((longest + 1, prices.shape[1]), np.nan)])
    values, ends = np.full(prices.shape, np.nan), np.full(prices.shape, n)
    for k in range(1, longest + 1):
        earned = side * (later[1 + k : n + 1 + k] / later[1 : n + 1] - 1)
        touched = (earned >= up * width) | (earned <= -down * width) | (k == horizon)
        now = np.isnan(values) & np.isfinite(earned) & np.isfinite(width) & touched & (k <= horizon)
        values[now] = earned[now]
        ends[now] = np.nonzero(now)[0] + 1 + k
    return values, ends


def _volatility(prices: NDArray[np.float64], span: int) -> NDArray[np.float64]:
    """Return the root of the exponentially weighted mean of squared returns up to each bar; NaN before half a span."""
    import pandas as pd

    if span < 2:
        raise ValueError(f"span must be 2 bars or more; it was {span}")
    moves = pd.DataFrame(prices).pct_change(fill_method=None)
    squares = (moves**2).ewm(span=span, min_periods=max(span // 2, 1), ignore_na=True).mean()
    found = np.sqrt(squares.to_numpy())
    return np.where(found > 0, found, np.nan)
