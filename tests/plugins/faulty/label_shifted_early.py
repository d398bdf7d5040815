"""Caught by: label starts-at-fill

Measures from the price at t, at which nobody can trade any more.
"""

import numpy as np

import quorate


def shifted_early(prices, horizon):
    values = np.full_like(prices, np.nan)
    values[:-horizon] = prices[horizon:] / prices[:-horizon] - 1
    ends = np.broadcast_to(np.arange(len(prices))[:, None] + horizon, prices.shape)
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("shifted-early", shifted_early, task="regression")
