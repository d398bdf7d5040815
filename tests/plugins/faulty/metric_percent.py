"""Caught by: metric unit

A percentage, declared as a fraction: it prints as a hundred times too much.
"""

from __future__ import annotations

import quorate


def percent(performance):
    closed = performance.closed
    return 100.0 * float((closed["pnl"] > 0).mean()) if len(closed) else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("percent", percent, unit="fraction")
