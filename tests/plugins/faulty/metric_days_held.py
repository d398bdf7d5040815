"""Caught by: metric unit

A mean is declared a count.
"""

from __future__ import annotations

import quorate


def days_held(performance):
    closed = performance.closed
    return float((closed["exited"] - closed["entered"]).dt.days.mean()) if len(closed) else float("nan")


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("days-held", days_held, unit="count", higher_is_better=None)
