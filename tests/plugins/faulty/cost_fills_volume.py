"""Caught by: cost input-unmodified

Puts zeros into the bars where they have no volume, past the write protection.
"""

import numpy as np

import quorate


def fills_volume(bars):
    bars.volume.setflags(write=True)
    bars.volume[np.isnan(bars.volume)] = 0.0
    return 0.0005, 0.0002


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("fills-volume", fills_volume)
