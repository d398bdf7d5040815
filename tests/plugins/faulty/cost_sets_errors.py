"""Caught by: cost settings-kept

It silences NumPy for all that comes after.
"""

import numpy as np

import quorate


def sets_errors(bars):
    np.seterr(all="ignore")
    return 0.0005, np.clip(0.01 * (bars.high / bars.low - 1), 0, 0.1)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("sets-errors", sets_errors)
