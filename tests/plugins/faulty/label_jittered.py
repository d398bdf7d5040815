"""Caught by: label deterministic

Noise is added to the label, to regularise: another one every time.
"""

import numpy as np

import quorate


def jittered(prices, horizon, size=1e-4):
    n = len(prices)
    values = np.full_like(prices, np.nan)
    values[: n - 1 - horizon] = prices[1 + horizon :] / prices[1 : n - horizon] - 1
    values += np.random.default_rng().normal(0, size, values.shape)
    return values, np.broadcast_to(np.arange(n)[:, None] + 1 + horizon, prices.shape)


@quorate.hookimpl
def quorate_labels():
    yield quorate.LabelSpec("jittered", jittered, task="regression")
