"""An impact by what was traded so far in all, and by the square root of an order's value; it needs a volume."""

import numpy as np

import quorate


def impact(bars, coefficient=0.02):
    lacks = [name for k, name in enumerate(bars.symbols) if not np.isfinite(bars.volume[:, k]).any()]
    if lacks:
        raise quorate.DataError(f"there is no volume of {', '.join(lacks)}")
    value = np.nan_to_num(bars.volume * bars.close)
    mean = np.cumsum(value, axis=0) / np.maximum(np.cumsum(bars.present, axis=0), 1)
    return 0.0002, 0.0001, coefficient / np.sqrt(np.maximum(mean, 1.0))


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("impact-of-all", impact)
