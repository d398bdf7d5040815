"""What is learnt: labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from quorate.plugins.specs.base import Spec
from quorate.plugins.specs.learning import Task


@dataclass(frozen=True)
class LabelSpec(Spec):
    """A label: ``function(prices, horizon, **params)`` gives ``(values, ends)``.

    `prices` are the fill prices, float64 (n_bars, n_symbols): a decision at *t* fills at
    ``prices[t + 1]``. `values` is float64 of the same shape, NaN where the label is not known
    within the data; `ends` holds whole numbers, the position of the bar at which each becomes known.

    Parameters
    ----------
    task : {"classification", "regression"}
        ``classification``: values are 0 and 1. ``regression``: any number.
    cross_sectional : bool
        The label of a symbol depends on the other symbols, e.g. a rank.
    """

    kind: ClassVar[str] = "label"

    task: Task = "classification"
    cross_sectional: bool = False
