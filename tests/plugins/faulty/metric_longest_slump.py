"""Caught by: metric order-free

Bars since the last high depend on the order of the bars, which the spec does not say.
"""

from __future__ import annotations

import numpy as np

import quorate


def longest_slump(performance):
    equity = performance.equity
    longest = current = 0
    for below in equity < np.maximum.accumulate(equity):
        current = current + 1 if below else 0
        longest = max(longest, current)
    return float(longest)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("longest-slump", longest_slump, unit="count", higher_is_better=False)
