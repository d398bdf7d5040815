"""A drawdown above zero, its reference by the name of the built-in metric."""

from __future__ import annotations

import numpy as np

import quorate


def positive_drawdown(performance):
    peak = np.maximum.accumulate(performance.equity)
    return float((1 - performance.equity / peak).max())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec(
        "positive-drawdown",
        positive_drawdown,
        unit="fraction",
        higher_is_better=False,
        ordered=True,
        reference="max-drawdown",
    )
