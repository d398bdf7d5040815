"""Meta-labels: a primary rule takes a side, the label says whether that paid (Lopez de Prado 2018, chapter 3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from quorate_plugins.labels.returns import Horizon, trade_return
from quorate_plugins.labels.volatility import first_touch

Floats = NDArray[np.float64]
Rule = Literal["momentum", "reversal", "crossover", "breakout"]
Bars = Annotated[int, Field(ge=1)]
Distance = Annotated[float, Field(ge=0)]


def side(prices: Floats, primary: Rule = "crossover", fast: Bars = 10, slow: Bars = 50) -> Floats:
    """Return the side that a primary rule takes at each bar, 1, -1 or 0 for none, by the prices up to that bar.

    Parameters
    ----------
    prices : ndarray of float64, (n_bars, n_symbols)
        NaN where a symbol has no bar: the rule then looks at the last one.
    primary : str
        ``momentum``: as the price moved over `slow` bars. ``reversal``: against how it moved over `fast` bars.
        ``crossover``: long while the mean over `fast` bars is above that over `slow` bars, short while below.
        ``breakout``: long from a price that is the highest of `slow` bars on, short from the lowest on.
    fast, slow : int, bars
        What the rule looks back on.
    """
    import pandas as pd

    if primary == "crossover" and fast >= slow:
        raise ValueError(f"fast must be fewer bars than slow; they were {fast} and {slow}")
    known = pd.DataFrame(prices).ffill()
    if primary == "momentum":
        found = known - known.shift(slow)
    elif primary == "reversal":
        found = known.shift(fast) - known
    elif primary == "crossover":
        found = known.rolling(fast).mean() - known.rolling(slow).mean()
    else:
        window = known.rolling(slow)
        high, low = known >= window.max(), known <= window.min()
        # Where all of a window is one price, it breaks out of nothing.
        found = (high.astype(float) - low.astype(float)).replace(0.0, np.nan).ffill()
    return np.where(np.isnan(prices), 0.0, np.nan_to_num(np.sign(found.to_numpy())))


def meta(
    prices: Floats,
    horizon: Horizon,
    primary: Rule = "crossover",
    fast: Bars = 10,
    slow: Bars = 50,
    above: float = 0.0,
    up: Distance = 0.0,
    down: Distance = 0.0,
    span: int = 50,
) -> tuple[Floats, NDArray[Any]]:
    """Return 1 where the trade on the side of the primary rule paid, 0 where it did not, NaN where it takes no side.

    With `up` and `down` the trade ends at the first of two barriers, as that of ``triple-barrier``; without, after the
    horizon.

    Parameters
    ----------
    primary : str
        The rule that takes the side: ``momentum``, ``reversal``, ``crossover`` or ``breakout``.
    fast, slow : int, bars
        What the rule looks back on: a reversal the `fast`, a crossover both, others the `slow`.
    above : float, fraction
        It paid where it earned more: what a trade costs.
    up, down : float
        Distance of the barriers, in expected moves, with the side and against it; 0 for both: none.
    span : int, bars
        Over which volatility is weighted exponentially.
    """
    if (up > 0) != (down > 0):
        raise ValueError(f"up and down must both be above 0, or both be 0; they were {up} and {down}")
    taken = side(prices, primary, fast, slow)
    if up:
        earned, ends = first_touch(prices, horizon, up, down, span, taken)
    else:
        values, ends = trade_return(prices, horizon)
        earned = taken * values
    return np.where(np.isnan(earned) | (taken == 0), np.nan, earned > above), ends
