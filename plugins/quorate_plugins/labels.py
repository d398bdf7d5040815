"""Built-in labels: what a trade decided at *t* earns, from the fill at *t* + 1 to the fill `horizon` bars later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@quorate.hookimpl
def quorate_labels() -> Iterator[quorate.LabelSpec]:
    """Yield the built-in labels."""
    here = "quorate_plugins.labels"
    yield quorate.LabelSpec(
        "direction", f"{here}:direction", description="1 if the trade earns more than `above`, else 0"
    )
    yield quorate.LabelSpec("return", f"{here}:trade_return", task="regression", description="what the trade earns")


def trade_return(prices: NDArray[np.float64], horizon: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return fill[t + 1 + horizon] / fill[t + 1] - 1, known at bar t + 1 + horizon."""
    import numpy as np

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
    import numpy as np

    values, ends = trade_return(prices, horizon)
    return np.where(np.isnan(values), np.nan, values > above), ends
