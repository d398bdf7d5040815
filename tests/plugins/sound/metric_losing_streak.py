"""Counted in trades, in order."""

from __future__ import annotations

import quorate


def losing_streak(performance):
    longest = current = 0
    for pnl in performance.closed["pnl"]:
        current = current + 1 if pnl <= 0 else 0
        longest = max(longest, current)
    return longest


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("losing-streak", losing_streak, unit="count", higher_is_better=False, ordered=True)
