"""Caught by: label ends-honest

1 where the trade earns more than the median of all trades, future ones included.
"""

import numpy as np

import quorate


def median_of_all(prices, horizon):
    n = len(prices)
    earned = np.full_like(prices, np.nan)
    earned[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    values = np.where(np.isnan(earned), np.nan, earned > np.nanmedian(earned, axis=0))
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("median-of-all", median_of_all)
