"""What is learnt: labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from quorate.plugins.specs.base import Lazy, Spec
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
    horizons : bool
        The function takes an array of horizons, too, int64 (n_bars, n_symbols), each of its row's own trade. A horizon
        in sessions is such; without it, the function is asked once for every number of bars that there is in it.
        Of a cross-sectional label it always is, as it compares symbols over the same bars.
    side : str or callable, optional
        Of a meta-label, which says whether following a primary rule paid: ``function(prices, **params)`` gives the
        side that the rule takes, 1, -1 or 0 for none, float64 (n_bars, n_symbols), by prices up to each bar; of the
        label's options it is passed those that it names. A strategy that names ``side`` is given it.
    """

    kind: ClassVar[str] = "label"

    task: Task = "classification"
    cross_sectional: bool = False
    horizons: bool = False
    side: Lazy | None = None

    def primary(self) -> Callable[..., Any] | None:
        """Import and return `side`; None, if the spec names none."""
        return None if self.side is None else replace(self, function=self.side, side=None).resolve()
