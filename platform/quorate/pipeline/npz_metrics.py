"""Metrics of a network that was trained on windows of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.pipeline.npz import Sequences, last_bars


def measured(y: NDArray[Any], forecast: NDArray[np.float64], binary: bool, threshold: float) -> dict[str, float]:
    """Return the metrics of forecasts: of classes at a threshold, or of numbers."""
    if not binary:
        return {name: getattr(statistics, name)(y, forecast) for name in ("mse", "mae", "r2")}
    hit, called = y == 1, forecast >= threshold
    return {
        "accuracy": statistics.accuracy(hit, called),
        "auc": statistics.auc(hit, forecast),
        "precision": statistics.precision(hit, called),
        "recall": statistics.recall(hit, called),
        "log_loss": statistics.log_loss(hit, forecast),
    }


def beside_persistence(
    own: Mapping[str, float], X: Sequences, y: NDArray[Any], part: str, told: list[str]
) -> dict[str, Any]:
    """Return the metrics of the last value of each window as forecast."""
    naive = measured(y, last_bars(X)[:, 0].astype(np.float64), False, 0.0)
    if own["mse"] > naive["mse"]:
        told.append(
            f"{part}: the last value of the window is a better forecast than the model's "
            f"(mse {naive['mse']:.6g} < {own['mse']:.6g})"
        )
    return {"persistence": naive}
