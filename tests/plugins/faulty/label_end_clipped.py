"""Caught by: label ends-honest

Ends far later than it needs to, but at the last bar where that lies beyond the data.
"""

import numpy as np

import quorate


def ahead(prices, skip, horizon):
    """Return from `skip` bars later on, over `horizon` bars."""
    out = np.full_like(prices, np.nan)
    stop = max(len(prices) - skip - horizon, 0)
    out[:stop] = prices[skip + horizon :] / prices[skip : skip + stop] - 1
    return out


def end_clipped(prices, horizon):
    earned = ahead(prices, 1, horizon)
    ends = np.minimum(np.arange(len(prices)) + 25, len(prices) - 1)
    return np.where(np.isnan(earned), np.nan, earned > 0), np.broadcast_to(ends[:, None], prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("end-clipped", end_clipped)
