"""Caught by: label input-unmodified

It fills gaps of the prices in place, for everyone.
"""

import numpy as np

import quorate


def filled(prices, horizon):
    n = len(prices)
    if prices.flags.writeable:
        np.nan_to_num(prices, copy=False, nan=1.0)
        prices *= 1.0001
    values = np.full_like(prices, np.nan)
    values[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    return values, np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("filled", filled, task="regression")
