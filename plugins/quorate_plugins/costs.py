"""Built-in cost models: what an order costs, as fractions of the traded value per side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HERE = "quorate_plugins.costs"


@quorate.hookimpl
def quorate_costs() -> Iterator[quorate.CostSpec]:
    """Yield the built-in cost models."""
    yield quorate.CostSpec("fixed", f"{HERE}:fixed", description="the same fees and slippage for every order")
    yield quorate.CostSpec(
        "range",
        f"{HERE}:bar_range",
        description="slippage in proportion to the bars' range of late: more in wild markets",
    )


def fixed(bars: quorate.Bars, fees: float = 0.0005, slippage: float = 0.0002) -> tuple[float, float]:
    """Return the same fees and slippage for every bar.

    Parameters
    ----------
    fees : float, fraction of the traded value
        Paid per side.
    slippage : float, fraction of the traded value
        Per side, what is lost to a worse price.
    """
    return fees, slippage


def bar_range(
    bars: quorate.Bars, fees: float = 0.0005, share: float = 0.02, window: int = 20, most: float = 0.05
) -> tuple[float, NDArray[np.float64]]:
    """Return slippage as a `share` of the mean range (high less low, over the close) of a symbol's last bars.

    Parameters
    ----------
    fees : float, fraction of the traded value
        Paid per side.
    share : float
        Slippage per side, as a share of the range.
    window : int, bars
        How many before the one that fills the order the range is taken over; where there are fewer, those.
    most : float, fraction of the traded value
        Upper bound of the slippage.
    """
    import pandas as pd

    ranges = pd.DataFrame((bars.high - bars.low) / bars.close)
    # Row by row on each symbol's own bars: one that misses a bar keeps what was before.
    before = ranges.apply(lambda column: column.dropna().rolling(window, min_periods=1).mean().shift())
    slippage = (before.reindex(ranges.index) * share).ffill().fillna(share * 0.02)
    return fees, slippage.clip(0.0, most).to_numpy()
