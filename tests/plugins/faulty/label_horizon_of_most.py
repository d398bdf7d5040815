"""Caught by: label horizons-of-rows

Takes an array of horizons, and looks as far ahead for every row as the longest of them reaches.
"""

import numpy as np

import quorate


def of_most(prices, horizon):
    far = int(np.max(horizon))
    values = np.full_like(prices, np.nan)
    stop = max(len(prices) - 1 - far, 0)
    values[:stop] = prices[1 + far :] / prices[1 : 1 + stop] - 1
    ends = np.broadcast_to(np.arange(len(prices))[:, None] + 1 + far, prices.shape)
    return np.where(np.isnan(values), np.nan, values > 0), ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("of-most", of_most, horizons=True)
