"""Caught by: label is-forecast

The last return, passed off as the next one.
"""

import numpy as np

import quorate


def already_known(prices, horizon):
    values = np.full_like(prices, np.nan)
    values[horizon:-1] = prices[horizon:-1] > prices[: -horizon - 1]
    ends = np.broadcast_to(np.arange(len(prices))[:, None] + 1, prices.shape)
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("already-known", already_known)
