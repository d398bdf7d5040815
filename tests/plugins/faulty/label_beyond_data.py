"""Caught by: label ends-ahead

Fills the last rows with zero although their trade is not over.
"""

import numpy as np

import quorate


def beyond_data(prices, horizon):
    n = len(prices)
    values = np.zeros_like(prices)
    values[: n - 1 - horizon] = prices[1 + horizon :] > prices[1 : n - horizon]
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("beyond-data", beyond_data)
