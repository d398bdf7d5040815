"""Metrics of a forecast's distribution: its quantiles, and the interval from the lowest to the highest of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def pinball(performance: quorate.Performance) -> float:
    """Return the mean pinball loss over the quantiles."""
    labels, quantiles = _known(performance)
    if not len(labels):
        return math.nan
    return quorate.statistics.mean_pinball(labels, quantiles, performance.levels)


def coverage(performance: quorate.Performance) -> float:
    """Return the share of labels between the lowest and the highest quantile."""
    labels, quantiles = _known(performance)
    return quorate.statistics.coverage(labels, quantiles[:, 0], quantiles[:, -1])


def interval_width(performance: quorate.Performance) -> float:
    """Return the mean distance of the lowest and the highest quantile."""
    _, quantiles = _known(performance)
    return quorate.statistics.interval_width(quantiles[:, 0], quantiles[:, -1])


def _known(performance: quorate.Performance) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return labels and quantiles of the rows that have some; of a series without any two columns of nothing."""
    import numpy as np

    if not len(performance.levels):
        return np.empty(0), np.empty((0, 2))
    known = np.isfinite(performance.quantiles).all(axis=1)
    return performance.labels[known], performance.quantiles[known]
