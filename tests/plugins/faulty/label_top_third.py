"""Caught by: label ends-honest

It compares with a quantile of the entire history.
"""

import numpy as np

import quorate


def top_third(prices, horizon):
    earned = np.full(prices.shape, np.nan)
    earned[: -1 - horizon] = prices[1 + horizon :] / prices[1:-horizon] - 1
    ends = np.broadcast_to(np.arange(len(prices))[:, None] + 1 + horizon, prices.shape)
    return np.where(np.isnan(earned), np.nan, earned > np.nanquantile(earned, 2 / 3, axis=0)), ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("top-third", top_third, task="classification")
