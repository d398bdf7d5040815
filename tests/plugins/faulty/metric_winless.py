"""Caught by: metric undefined-is-nan

Without a closed trade it is 0, as if every trade had lost.
"""

from __future__ import annotations

import quorate


def winless(performance):
    closed = performance.closed
    return float((closed["pnl"] > 0).sum() / max(len(closed), 1))


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("winless", winless, unit="fraction")
