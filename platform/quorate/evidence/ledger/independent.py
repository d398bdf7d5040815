"""How many independent trials many correlated ones amount to."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.evidence.ledger.ledger import Ledger
from quorate.evidence.ledger.tally import Count
from quorate.statistics import Floats

Days = NDArray[np.int32]
Series = tuple[Days, Floats]

SHARED = 0.5  # of the longest series' days: on fewer, series are not compared


def effective(ledger: Ledger, trials: Count) -> float:
    """Return how many independent trials these amount to, see `quorate.statistics.effective_trials`.

    Series are compared by their returns per day, on the days that all compared ones share. A series that would leave
    fewer than half of the longest one's days is compared in another group; the groups' numbers are
    added, and a series whose returns are not known counts as one. So it is rather too many than too few.

    Returns
    -------
    float
        NaN, if no series varies.
    """
    stored = [ledger.files.returns(key, content) for key, content in trials.keys.items()]
    whole = [rows for rows in stored if rows is not None and np.isfinite(rows["return"]).all()]
    series = [_by_day(rows["day"], rows["return"]) for rows in whole]
    total = float(len(stored) - len(series))
    series.sort(key=lambda one: -len(one[0]))
    while series:
        group, days, series = _comparable(series)
        number = statistics.effective_trials(np.column_stack([values[np.isin(d, days)] for d, values in group]))
        total += 0.0 if math.isnan(number) else number
    return total or math.nan


def _by_day(days: Days, returns: NDArray[np.float32]) -> tuple[Days, Floats]:
    """Return the sum of the returns of each session."""
    unique, start = np.unique(days, return_index=True)
    return unique, np.add.reduceat(returns.astype(np.float64), start)


def _comparable(series: Sequence[Series]) -> tuple[list[Series], Days, list[Series]]:
    """Return those that share days with the first, these days, and the rest; longest first."""
    common = series[0][0]
    least = max(SHARED * len(common), 1)
    group, rest = [], []
    for one in series:
        shared = common if np.array_equal(one[0], common) else np.intersect1d(common, one[0], assume_unique=True)
        if len(shared) >= least:
            common = shared
            group.append(one)
        else:
            rest.append(one)
    return group, common, rest
