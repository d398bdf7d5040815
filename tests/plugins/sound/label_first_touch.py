"""Barriers in units of past volatility; most trades end early."""

import numpy as np
import pandas as pd

import quorate


def first_touch(prices, horizon, width=1.0):
    n, m = prices.shape
    values, ends = np.full((n, m), np.nan), np.zeros((n, m), dtype=np.int64)
    returns = pd.DataFrame(prices).pct_change(fill_method=None)
    size = returns.rolling(20, min_periods=5).std().to_numpy() * width * np.sqrt(horizon)
    for j in range(m):
        for t in range(n - 1 - horizon):
            path = prices[t + 2 : t + 2 + horizon, j] / prices[t + 1, j] - 1
            if np.isnan(path).any() or np.isnan(size[t, j]):
                continue
            hit = np.flatnonzero(np.abs(path) > size[t, j])
            at = int(hit[0]) if len(hit) else horizon - 1
            values[t, j], ends[t, j] = float(path[at] > 0), t + 2 + at
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("first-touch", first_touch)
