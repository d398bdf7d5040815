"""Caught by: cost computes

Divides by what was traded on the bar before, which is nothing on some bars.
"""

import numpy as np

import quorate


def of_nothing(bars):
    before = np.vstack([np.ones_like(bars.close[:1]), (np.nan_to_num(bars.volume) * bars.close)[:-1]])
    return 0.0005, 0.0002, 0.02 / np.sqrt(before)


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("of-nothing", of_nothing)
