"""Rarely 1: a move of more than 3 per cent either way."""

import numpy as np

import quorate


def large_move(prices, horizon, size=0.03):
    n = len(prices)
    earned = np.full_like(prices, np.nan)
    earned[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    values = np.where(np.isnan(earned), np.nan, np.abs(earned) > size)
    return values, np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("large-move", large_move)
