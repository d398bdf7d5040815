"""Binned difference of probability and frequency: nearer forecasts can be worse calibrated."""

from __future__ import annotations

import math

import numpy as np

import quorate


def calibration_error(performance, bins: int = 10):
    p, y = performance.predictions, performance.labels
    if not performance.binary or not len(y):
        return math.nan
    place = np.clip((p * bins).astype(int), 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    gaps = np.abs(np.bincount(place, p, bins) - np.bincount(place, y, bins))
    return float(gaps.sum() / counts.sum())


@quorate.hookimpl
def quorate_metrics():
    yield quorate.MetricSpec(
        "calibration-error", calibration_error, unit="fraction", higher_is_better=False, forecasts=True
    )
