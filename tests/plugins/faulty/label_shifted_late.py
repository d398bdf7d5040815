"""Caught by: label ends-honest

Ends a bar later than it says.
"""

import numpy as np

import quorate


def shifted_late(prices, horizon):
    n = len(prices)
    values = np.full_like(prices, np.nan)
    values[: n - 2 - horizon] = prices[2 + horizon :] / prices[1 : n - 1 - horizon] - 1
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("shifted-late", shifted_late, task="regression")
