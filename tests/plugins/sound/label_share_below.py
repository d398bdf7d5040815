"""The rank of what a trade earns among the symbols, a number in -0.5..0.5."""

import numpy as np
import pandas as pd

import quorate


def share_below(prices, horizon):
    n = len(prices)
    earned = np.full_like(prices, np.nan)
    earned[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    ends = np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)
    return pd.DataFrame(earned).rank(axis=1, pct=True).to_numpy() - 0.5, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("share-below", share_below, task="regression", cross_sectional=True)
