"""A trial: parameters of a model, and what they came to on each inner fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from quorate.statistics import Floats

State = Literal["running", "complete", "raced", "failed"]
REFERENCE = -1  # the number of the recipe's own parameters


@dataclass(frozen=True)
class FoldLoss:
    """The loss of one fit on the rows of its fold.

    Parameters
    ----------
    total : float
        Sum over the rows of the log loss in nats, or of the squared error.
    rows : int
        Rows with a label.
    blocks : tuple of float
        The same sum for each block of bars, in time order.
    seconds : float
        Processor time of the fit.
    error : str
        Why there is none; empty, if there is one.
    values : tuple of float
        Where metrics are the objectives: theirs over this fold and those before it, each to be small, infinite where
        undefined. Total, rows and blocks say nothing then.
    """

    total: float = 0.0
    rows: int = 0
    blocks: tuple[float, ...] = ()
    seconds: float = 0.0
    error: str = ""
    values: tuple[float, ...] = ()

    def to_plain(self) -> list[Any]:
        """Return it as a study keeps it."""
        return [self.total, self.rows, list(self.blocks), self.seconds, *([list(self.values)] if self.values else [])]

    @classmethod
    def of_plain(cls, kept: list[Any]) -> FoldLoss:
        """Return what a study has kept."""
        total, rows, blocks, seconds, *values = kept
        return cls(
            float(total),
            int(rows),
            tuple(map(float, blocks)),
            float(seconds),
            values=tuple(map(float, values[0])) if values else (),
        )


@dataclass
class Trial:
    """What was tried, and what came of it so far.

    Parameters
    ----------
    number : int
        From 0 on, in the order in which they were asked; -1 for the recipe's own parameters.
    params : mapping
        The tuned parameters by name.
    folds : dict of int to FoldLoss
        What is known, by the fold's place.
    state : {"running", "complete", "raced", "failed"}
        ``raced``: stopped, as it could not beat the best any more. Decided in the order of the numbers.
    used : int
        Folds that its state rests on; what was fitted beyond them, beside others, does not count.
    owner : str
        Which sweep asked for it, where several share a study.
    """

    number: int
    params: Mapping[str, Any]
    folds: dict[int, FoldLoss] = field(default_factory=dict)
    state: State = "running"
    used: int = 0
    owner: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is one of the trials that were asked for: those that failed are not."""
        return self.state != "failed"

    @property
    def values(self) -> tuple[float, ...]:
        """The objectives over the folds used, each to be small; empty without a fold."""
        return self.after(self.used)

    @property
    def value(self) -> float:
        """The only objective, by default the mean loss over the rows of the folds used; NaN without one."""
        return self.values[0] if len(self.values) == 1 else float("nan")

    def after(self, folds: int) -> tuple[float, ...]:
        """Return the objectives over the first folds."""
        if not folds:
            return ()
        if last := self.folds[folds - 1].values:
            return last
        rows = sum(self.folds[k].rows for k in range(folds))
        return (sum(self.folds[k].total for k in range(folds)) / rows if rows else float("nan"),)

    @property
    def error(self) -> str:
        """Why it failed; empty, if it did not."""
        return next((fold.error for _, fold in sorted(self.folds.items()) if fold.error), "")

    @property
    def seconds(self) -> float:
        """Processor seconds of its fits."""
        return sum(fold.seconds for fold in self.folds.values())

    def blocks(self, used: int) -> Floats:
        """Return the losses of the blocks of its first folds, one after the other."""
        return np.array([loss for k in range(used) for loss in self.folds[k].blocks])
