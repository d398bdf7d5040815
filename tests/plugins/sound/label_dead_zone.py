"""Leaves out the rows whose own outcome is small; its end is where that shows."""

import numpy as np

import quorate


def ahead(prices, skip, horizon):
    """Return from `skip` bars later on, over `horizon` bars."""
    out = np.full_like(prices, np.nan)
    stop = max(len(prices) - skip - horizon, 0)
    out[:stop] = prices[skip + horizon :] / prices[skip : skip + stop] - 1
    return out


def dead_zone(prices, horizon, size=0.005):
    earned = ahead(prices, 1, horizon)
    values = np.where(np.isnan(earned) | (np.abs(earned) < size), np.nan, earned > 0)
    return values, np.broadcast_to(np.arange(len(prices))[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("dead-zone", dead_zone)
