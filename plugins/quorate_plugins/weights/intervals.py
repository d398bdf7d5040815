"""Weights of label intervals, computed from the rows that train alone.

A label's interval reaches from its row's bar to the bar at which it becomes known, both included. Source: Lopez de
Prado (2018), chapter 4.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

import quorate

Floats = NDArray[np.float64]
Over = Literal["symbol", "panel"]


class _Intervals:
    """The intervals of the labels of some rows, and how many of them there are at each bar."""

    def __init__(self, rows: quorate.TrainingRows, over: Over) -> None:
        self.rows = rows
        self._group = rows.symbol if over == "symbol" else np.zeros(len(rows), dtype=np.int64)
        length = int(rows.end.max(initial=-1)) + 1
        shape = int(self._group.max(initial=0)) + 1, length + 1
        begun, over_at = np.zeros(shape), np.zeros(shape)
        np.add.at(begun, (self._group, rows.bar), 1.0)
        np.add.at(over_at, (self._group, rows.end + 1), 1.0)
        count = np.cumsum(begun - over_at, axis=1)[:, :-1]
        self._share = np.divide(1.0, count, out=np.zeros_like(count), where=count > 0)

    def uniqueness(self) -> Floats:
        """Return the mean over each interval of one over the number of intervals at a bar."""
        total, first, last = _before(self._share), self.rows.bar, self.rows.end
        return np.asarray((total[self._group, last + 1] - total[self._group, first]) / (last - first + 1))

    def shared(self) -> Floats:
        """Return the sum of each symbol's moves after the row's own bar, each shared among the intervals there."""
        total, symbol = _before(self.rows.moves.T * self._share), self.rows.symbol
        return np.asarray(total[symbol, self.rows.end + 1] - total[symbol, self.rows.bar + 1])


def _before(values: Floats) -> Floats:
    """Return the sum of all values before each place, and of all."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def uniqueness(rows: quorate.TrainingRows, over: Over = "symbol") -> Floats:
    """Return the mean, over the bars of each label's interval, of one over the number of labels that are open.

    Parameters
    ----------
    over : str
        Whose labels overlap: those of the row's ``symbol``, or of the whole ``panel``.
    """
    return _Intervals(rows, over).uniqueness()


def shared_return(rows: quorate.TrainingRows, over: Over = "symbol") -> Floats:
    """Return the size of the log return of each label's interval of which it alone is the cause.

    Parameters
    ----------
    over : str
        Whose labels overlap: those of the row's ``symbol``, or of the whole ``panel``.
    """
    return np.abs(_Intervals(rows, over).shared())


def time_decay(
    rows: quorate.TrainingRows, over: Over = "symbol", last: Annotated[float, Field(gt=-1, le=1)] = 0.5
) -> Floats:
    """Return a weight that falls in a line with the uniqueness of all rows since, from 1 of the newest bar.

    Parameters
    ----------
    over : str
        Whose labels overlap: those of the row's ``symbol``, or of the whole ``panel``.
    last : float
        What the oldest row weighs beside 1 of the newest; below 0, the share of the past that weighs nothing.
    """
    bars, place = np.unique(rows.bar, return_inverse=True)
    by_bar = np.bincount(place, weights=_Intervals(rows, over).uniqueness(), minlength=len(bars))
    age = np.cumsum(by_bar)
    whole = float(age[-1])
    slope = (1 - last) / whole if last >= 0 else 1 / ((last + 1) * whole)
    return np.asarray(np.maximum(1 - slope * (whole - age), 0.0)[place])
