"""In currency; NumPy scalar; options with defaults; the mean of nothing is NaN."""

from __future__ import annotations

import quorate


def average_gain(performance, side: str = "long"):
    closed = performance.closed
    return closed.loc[closed["side"] == side, "pnl"].mean()


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("average-gain", average_gain, unit="currency")
