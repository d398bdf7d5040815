"""Caught by: cost computes

A fee of 0.5 per cent is given as 0.5.
"""

import quorate


def in_percent(bars):
    return 0.5, 0.02


@quorate.hookimpl
def quorate_costs():
    yield quorate.CostSpec("in-percent", in_percent)
