"""The side that the primary rule of a meta-label takes: one rule, for the label and for the strategy that trades it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from quorate.bars.panel import Bars
from quorate.errors import IntegrityError, PluginError
from quorate.execution.inputs import named_by
from quorate.plugins.calling import call
from quorate.plugins.registry import Registry
from quorate.plugins.specs import LabelSpec
from quorate.recipe.schema import Recipe
from quorate.statistics import Floats
from quorate.walkforward.causality import other_future


def side_of(recipe: Recipe, registry: Registry) -> Callable[[Bars], Floats] | None:
    """Return how bars tell the side of the label's primary rule; None, if the label has none."""
    spec = registry.get(LabelSpec, recipe.labels.name)
    primary = spec.primary()
    if primary is None:
        return None
    params = named_by(primary, recipe.labels.params)

    def side(bars: Bars) -> Floats:
        return call(spec, f"{bars!r}", (bars.fill(recipe.backtest.fill),), params, partial(_sides, spec, bars), primary)

    return side


def _sides(spec: LabelSpec, bars: Bars, answer: Any) -> Floats:
    sides = np.array(answer, dtype=np.float64)
    if sides.shape != bars.close.shape or not np.isin(sides, (-1.0, 0.0, 1.0)).all():
        raise PluginError(f"label {spec.name!r}: side must give 1, -1 and 0 in an array {bars.close.shape}")
    sides.flags.writeable = False
    return sides


def audit_side(side: Callable[[Bars], Floats] | None, bars: Bars, at: Sequence[int]) -> None:
    """Ask for the sides again without the later bars, and with others, and compare.

    Raises
    ------
    IntegrityError
        Naming the bar, and both sides.
    """
    if side is None:
        return
    whole = side(bars)
    for known in at:
        for when, part in (("are not known", bars.until(known)), ("are others", other_future(bars, known))):
            was, now = whole[:known], side(part)[:known]
            if not np.array_equal(was, now):
                row, column = (int(i) for i in np.argwhere(was != now)[0])
                raise IntegrityError(
                    f"the primary rule of the label looks ahead: its side of {bars.symbols[column]} on "
                    f"{bars.sessions[row]} is {was[row, column]:g}, but {now[row, column]:g} when the bars after "
                    f"{bars.sessions[known - 1]} {when}"
                )
