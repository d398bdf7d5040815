"""Caught by: label ends-honest

Takes the last bar of the data for the end of the horizon.
"""

import numpy as np

import quorate


def edge_is_barrier(prices, horizon, size=0.02):
    n = len(prices)
    values, ends = np.full(prices.shape, np.nan), np.full(prices.shape, n)
    for (t, j), start in np.ndenumerate(prices[1:]):
        last = min(t + 1 + horizon, n - 1)
        for s in range(t + 2, last + 1):
            if abs(prices[s, j] / start - 1) >= size or s == last:
                values[t, j], ends[t, j] = prices[s, j] > start, s
                break
    values[np.isnan(prices)] = np.nan
    return values, ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("edge-is-barrier", edge_is_barrier)
