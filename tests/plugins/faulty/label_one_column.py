"""Caught by: label computes

It gives one value per bar, however many symbols there are.
"""

import numpy as np

import quorate


def rise(prices, horizon):
    values = np.full(len(prices), np.nan)
    values[: len(prices) - 1 - horizon] = prices[1 + horizon :, 0] > prices[1 : len(prices) - horizon, 0]
    return values, np.arange(len(prices)) + 1 + horizon


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("rise", rise)
