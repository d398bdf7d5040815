"""Ends three bars later than it needs to."""

import numpy as np

import quorate


def cautious_end(prices, horizon):
    n = len(prices)
    values = np.full_like(prices, np.nan)
    stop = n - 4 - horizon
    values[:stop] = prices[1 + horizon : n - 3] / prices[1 : 1 + stop] - 1
    return values, np.broadcast_to(np.arange(n)[:, None] + 4 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("cautious-end", cautious_end, task="regression")
