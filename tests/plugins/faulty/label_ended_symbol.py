"""Caught by: label unknown-after-end

Says 0 for trades that no price exists for.
"""

import numpy as np

import quorate


def ended_symbol(prices, horizon):
    n = len(prices)
    values = np.full_like(prices, np.nan)
    values[: n - 1 - horizon] = prices[1 + horizon :] > prices[1 : n - horizon]
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("ended-symbol", ended_symbol)
