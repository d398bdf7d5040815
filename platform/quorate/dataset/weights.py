"""How much each training row counts: weights of label intervals, computed from the rows that train alone.

A label's interval reaches from its row's bar to the bar at which it becomes known, both included. Source: Lopez de
Prado (2018), chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.errors import DataError
from quorate.statistics import Floats

Positions = NDArray[np.int64]
DECAYED = 0.5  # weight of the oldest row, where the recipe names none


class Weighting(NamedTuple):
    """One way to weigh training rows.

    Parameters
    ----------
    name : {"uniqueness", "return", "time-decay", "class-balance"}
    over : {"symbol", "panel"}
        Whose labels overlap: those of one symbol, or of all.
    last : float
        Of ``time-decay``: the weight of the oldest row beside 1 of the newest; below 0, the share of the past that
        weighs nothing.
    """

    name: str
    over: str = "symbol"
    last: float = DECAYED


def sample_weights(dataset: Dataset, rows: Positions, weightings: Sequence[Weighting]) -> Floats:
    """Return the product of some weights of training rows, (n_rows,), float64, with mean 1.

    Only the rows themselves count, and of the bars those that lie within the intervals of their labels.

    Raises
    ------
    DataError
        If every row would weigh nothing.
    """
    found = np.ones(len(rows))
    for one in weightings if len(rows) else ():
        found *= METHODS[one.name](dataset, rows, one)
    return normalised(found, " x ".join(one.name for one in weightings))


def normalised(weights: Floats, told: str) -> Floats:
    """Return weights with mean 1; `DataError`, if all are 0."""
    if not len(weights):
        return weights
    mean = float(weights.mean())
    if not mean > 0:
        raise DataError(f"labels.weights: all {len(weights)} rows weigh nothing ({told})")
    return weights / mean


class _Intervals:
    """The intervals of the labels of some rows, and how many of them there are at each bar."""

    def __init__(self, dataset: Dataset, rows: Positions, over: str) -> None:
        self.symbol = dataset.symbol[rows]
        self._group = self.symbol if over == "symbol" else np.zeros(len(rows), dtype=np.int64)
        bar, end = dataset.bar[rows], dataset.learnt_end[rows]
        self.start, stop = int(bar[0]), int(end.max()) + 1  # rows are in the order of their bars
        self.first, self.last = bar - self.start, end - self.start
        self.length = stop - self.start
        shape = int(self._group.max(initial=0)) + 1, self.length + 1
        begun, over_at = np.zeros(shape), np.zeros(shape)
        np.add.at(begun, (self._group, self.first), 1.0)
        np.add.at(over_at, (self._group, self.last + 1), 1.0)
        count = np.cumsum(begun - over_at, axis=1)[:, :-1]
        self._share = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)

    def uniqueness(self) -> Floats:
        """Return the mean over each interval of one over the number of intervals at a bar."""
        total = _before(self._share)
        sums = total[self._group, self.last + 1] - total[self._group, self.first]
        return np.asarray(sums / (self.last - self.first + 1))

    def shared(self, moves: Floats) -> Floats:
        """Return the sum of each symbol's moves after the row's own bar, each shared among the intervals there."""
        part = moves[self.start : self.start + self.length].T[: int(self.symbol.max()) + 1]
        total = _before(part * self._share)
        return np.asarray(total[self.symbol, self.last + 1] - total[self.symbol, self.first + 1])


def _before(values: Floats) -> Floats:
    """Return the sum of all values before each place, and of all."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def _uniqueness(dataset: Dataset, rows: Positions, how: Weighting) -> Floats:
    return _Intervals(dataset, rows, how.over).uniqueness()


def _return(dataset: Dataset, rows: Positions, how: Weighting) -> Floats:
    """Return the size of the log return of each label's interval of which it alone is the cause."""
    return np.abs(_Intervals(dataset, rows, how.over).shared(dataset.moves))


def _time_decay(dataset: Dataset, rows: Positions, how: Weighting) -> Floats:
    """Return a weight that falls in a line with the uniqueness of all rows since, from 1 of the newest bar."""
    bars, place = np.unique(dataset.bar[rows], return_inverse=True)
    by_bar = np.bincount(place, weights=_uniqueness(dataset, rows, how), minlength=len(bars))
    age = np.cumsum(by_bar)
    whole = float(age[-1])
    slope = (1 - how.last) / whole if how.last >= 0 else 1 / ((how.last + 1) * whole)
    return np.asarray(np.maximum(1 - slope * (whole - age), 0.0)[place])


def _class_balance(dataset: Dataset, rows: Positions, how: Weighting) -> Floats:
    """Return a weight with which both classes weigh the same together."""
    _, place, counts = np.unique(dataset.y[rows], return_inverse=True, return_counts=True)
    return np.asarray(len(rows) / (len(counts) * counts[place]))


METHODS: dict[str, Callable[[Dataset, Positions, Weighting], Floats]] = {
    "uniqueness": _uniqueness,
    "return": _return,
    "time-decay": _time_decay,
    "class-balance": _class_balance,
}
