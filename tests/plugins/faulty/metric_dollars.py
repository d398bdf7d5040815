"""Caught by: metric unit

An amount of money, declared as a ratio.
"""

from __future__ import annotations

import quorate


def dollars(performance):
    closed = performance.closed
    return float(closed["pnl"].mean()) if len(closed) else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("dollars", dollars)
