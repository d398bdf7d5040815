"""Caught by: label ends-honest

Leaves rows out that are followed by calm bars, after the end they name.
"""

import numpy as np

import quorate


def ahead(prices, skip, horizon):
    """Return from `skip` bars later on, over `horizon` bars."""
    out = np.full_like(prices, np.nan)
    stop = max(len(prices) - skip - horizon, 0)
    out[:stop] = prices[skip + horizon :] / prices[skip : skip + stop] - 1
    return out


def calm_only(prices, horizon):
    earned, later = ahead(prices, 1, horizon), np.abs(ahead(prices, 1 + horizon, 3))
    values = np.where(np.isnan(earned) | (later < 0.002), np.nan, earned > 0)
    return values, np.broadcast_to(np.arange(len(prices))[:, None] + horizon + 1, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("calm-only", calm_only)
