"""Members brought to one scale within each bar, for labels of a symbol among others: nothing is learnt, all is known.

A bar's scores are those of its own rows, which are all predicted at its close: no later row is read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate.statistics import Floats

WITHIN = ("bar-rank", "bar-z-score")


def within_bars(calibration: str, predictions: Floats, bar: NDArray[np.int64]) -> Floats:
    """Return predictions as their place among those of their bar; as they are for every other calibration.

    Parameters
    ----------
    calibration : str
        ``bar-rank``: of n rows the one at place k, counted from 1, gets ``(k - 0.5) / n - 0.5``, as the label ``rank``
        has it; equal ones share their places. ``bar-z-score``: less the bar's mean, over its standard deviation; 0
        where that is 0.
    predictions : ndarray of float64, (n_rows,)
        NaN where there is none.
    bar : ndarray of int64, (n_rows,)
        Of each row; all rows of a bar are there.
    """
    if calibration not in WITHIN:
        return predictions
    import pandas as pd

    by_bar = pd.Series(predictions).groupby(bar)
    if calibration == "bar-rank":
        return np.asarray((by_bar.rank() - 0.5) / by_bar.transform("count") - 0.5, dtype=np.float64)
    apart = predictions - by_bar.transform("mean").to_numpy()
    spread = by_bar.transform("std", ddof=0).to_numpy()
    same = spread <= 1e-12 * np.abs(predictions)  # equal but for rounding
    return np.where(np.isnan(predictions), np.nan, np.where(same, 0.0, apart / np.where(same, 1.0, spread)))
