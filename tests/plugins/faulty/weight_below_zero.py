"""Caught by: weight computes

A line through age that falls below 0 for old rows.
"""

import quorate


def line(rows, slope=0.02):
    return 1.0 - slope * (rows.bar[-1] - rows.bar)


@quorate.hookimpl
def quorate_weights():
    yield quorate.WeightSpec("zoo-line", line)
