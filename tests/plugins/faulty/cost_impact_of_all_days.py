"""Caught by: cost prefix-invariant, cost scramble-invariant

Its impact knows the mean volume of the entire history.
"""

import numpy as np

import quorate


def of_all_days(bars):
    value = np.nanmean(np.nan_to_num(bars.volume) * bars.close)
    return 0.0005, 0.0002, np.full(bars.close.shape, 0.02 / np.sqrt(max(value, 1.0)))


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("of-all-days", of_all_days)
