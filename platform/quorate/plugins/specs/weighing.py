"""What says how much each training row counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from quorate.plugins.specs.base import Spec, check_one_of
from quorate.plugins.specs.learning import Task


@dataclass(frozen=True)
class WeightSpec(Spec):
    """A weight: ``function(rows, **params)`` says how much each training row counts, float64 (n_rows,).

    `rows` are `TrainingRows`, the rows that train one fold: their bars, the ends of their labels, the labels, and
    what the market did in between. Nothing later is there. Weights are finite and 0 or more, and not all 0; the
    platform divides them by their mean, and multiplies those of several plugins.

    It is asked for each fold, and for each fit of it again, in whatever process that is: it must remember nothing.

    Parameters
    ----------
    task : {"any", "classification", "regression"}
        Labels that it can weigh: classes 0 and 1, numbers, or both.
    moves : bool
        It reads `TrainingRows.moves`; without, they are empty.
    """

    kind: ClassVar[str] = "weight"

    task: Task | Literal["any"] = "any"
    moves: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_one_of(self, "task", ("any", "classification", "regression"))
