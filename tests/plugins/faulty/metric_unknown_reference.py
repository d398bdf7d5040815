"""Caught by: metric reference

The statistic that it refers to is none.
"""

from __future__ import annotations

import quorate


def unknown_reference(performance):
    return float(performance.equity[-1] / performance.equity[0] - 1)


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("unknown-reference", unknown_reference, unit="fraction", reference="sharp")
