"""Caught by: label horizon-used

Looks five bars ahead, whatever the recipe says.
"""

import numpy as np

import quorate


def ahead(prices, skip, horizon):
    """Return from `skip` bars later on, over `horizon` bars."""
    out = np.full_like(prices, np.nan)
    stop = max(len(prices) - skip - horizon, 0)
    out[:stop] = prices[skip + horizon :] / prices[skip : skip + stop] - 1
    return out


def deaf_to_horizon(prices, horizon):
    earned = ahead(prices, 1, 5)
    ends = np.broadcast_to(np.arange(len(prices))[:, None] + 6, prices.shape)
    return np.where(np.isnan(earned), np.nan, earned > 0), ends


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("deaf-to-horizon", deaf_to_horizon)
