"""Caught by: metric deterministic

It resamples without a seed.
"""

from __future__ import annotations

import numpy as np

import quorate


def unseeded(performance):
    r = performance.returns
    if len(r) < 2:
        return float("nan")
    return float(np.random.default_rng().choice(r, len(r)).mean())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec("unseeded", unseeded, unit="fraction", ordered=True)
