"""Caught by: cost computes

Needs a volume, as it may, and does not say which symbols have none.
"""

import numpy as np

import quorate


def needs_volume(bars):
    if not np.isfinite(bars.volume).any():
        raise quorate.DataError("some bars have no volume")
    return 0.0005, 0.0002, 1e-6


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("needs-volume", needs_volume)
