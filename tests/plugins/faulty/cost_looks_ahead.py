"""Caught by: cost prefix-invariant, cost scramble-invariant

Slippage from the mean range of the entire history.
"""

import numpy as np

import quorate


def looks_ahead(bars):
    return 0.0005, float(np.nanmean((bars.high - bars.low) / bars.close)) * 0.02


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("looks-ahead", looks_ahead)
