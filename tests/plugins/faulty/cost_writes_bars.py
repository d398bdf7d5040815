"""Caught by: cost input-unmodified

It repairs the volume of the bars it was lent, read-only or not.
"""

import numpy as np

import quorate


def by_volume(bars, fees=0.0005):
    volume = bars.volume
    try:
        volume.flags.writeable = True
    except ValueError:
        volume = volume.copy()
    volume[~(volume > 2e5)] = 2e5
    np.multiply(volume, 1.0, out=volume)
    volume += 1.0
    return fees, np.minimum(100.0 / volume, 0.01)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("by-volume", by_volume)
