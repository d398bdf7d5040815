"""What the trade earns in units of the volatility up to t."""

import numpy as np
import pandas as pd

import quorate


def volatility_units(prices, horizon):
    n = len(prices)
    earned = np.full_like(prices, np.nan)
    earned[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    size = pd.DataFrame(prices).pct_change(fill_method=None).ewm(span=20, min_periods=5).std().to_numpy()
    return earned / size, np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("volatility-units", volatility_units, task="regression")
