"""Caught by: weight input-unmodified

It sorts the labels in place, to find their median.
"""

import numpy as np

import quorate


def from_the_middle(rows):
    away = np.abs(rows.labels - np.median(rows.labels))
    rows.labels.sort()
    return 1.0 + away


@quorate.hookimpl
def quorate_weights():
    yield quorate.WeightSpec("zoo-middle", from_the_middle)
