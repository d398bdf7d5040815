"""The forecast that needs no model: the mean of what had come true by the time of the decision."""

from __future__ import annotations

import numpy as np

from quorate.statistics._boundary import Floats, Positions


def naive_forecasts(labels: Floats, ends: Positions, bars: Positions) -> Floats:
    """Return, per row, the mean label of all rows whose label had ended at the row's bar or before.

    For classes that is the base rate, for returns their expanding mean.

    Parameters
    ----------
    labels : ndarray of float64, (n_rows,)
        NaN where unknown; such a row does not count.
    ends : ndarray of int64, (n_rows,)
        Position of the bar at whose close the label becomes known.
    bars : ndarray of int64, (n_rows,)
        Position of the bar at whose close the row is decided.

    Returns
    -------
    ndarray of float64, (n_rows,)
        NaN where no label had ended.
    """
    known = np.isfinite(labels)
    order = np.argsort(ends[known], kind="stable")
    total = np.concatenate(([0.0], np.cumsum(labels[known][order])))
    count = np.searchsorted(ends[known][order], bars, side="right")
    return np.where(count > 0, total[count] / np.maximum(count, 1), np.nan)
