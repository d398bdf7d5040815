"""Caught by: label symbols-independent

It ranks the symbols against each other and does not say so.
"""

import numpy as np

import quorate


def above_mean(prices, horizon):
    n = len(prices)
    earned = np.full_like(prices, np.nan)
    earned[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    known = np.isfinite(earned)
    total = np.where(known, earned, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    values = np.where(known, earned > total[:, None], np.nan)
    return values, np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("above-mean", above_mean)
