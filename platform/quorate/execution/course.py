"""How the training of a model went, epoch by epoch and step by step, as its plugin tells it."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.errors import FitError, near_misses, one_of, reason_of
from quorate.execution.steps import ByStep
from quorate.execution.watch import Watch
from quorate.plugins.specs import ModelSpec
from quorate.statistics import Floats

COLUMNS = ("train_loss", "val_loss", "val_score", "learning_rate", "gradient", "seconds")
TOLD = ("epochs", "best_epoch", "stopped", "batches")
MOST = 10_000  # losses of steps that are kept of a fit


@dataclass(frozen=True, eq=False)
class Course:
    """The course of one training; epochs are counted from 1.

    Parameters
    ----------
    epochs : mapping of str to ndarray of float64, (n_epochs,)
        By name of `COLUMNS`, NaN where there is none.
    best_epoch : int
        Whose state predicts; 0 is what a model went on from, where no epoch was better.
    stopped : str
        Why it ended; empty, if that is not known.
    batches : tuple of ndarray of float32
        For each epoch the loss of each step, or the mean of `every` successive ones; none, where they are not known.
    every : int
        How many steps a loss of `batches` stands for.
    steps : tuple of int
        Of each epoch; none, where they are not known.
    rows : int
        Rows that each epoch learnt from.
    """

    epochs: Mapping[str, Floats]
    best_epoch: int
    stopped: str = ""
    batches: tuple[NDArray[np.float32], ...] = ()
    every: int = 1
    steps: tuple[int, ...] = ()
    rows: int = 0

    def __len__(self) -> int:
        """Return the number of epochs."""
        return len(self.epochs["train_loss"])

    def best(self, column: str) -> float:
        """Return a value of the best epoch; NaN, where that is what the model went on from."""
        return float(self.epochs[column][self.best_epoch - 1]) if self.best_epoch else math.nan

    @property
    def lines(self) -> list[str]:
        """The epochs as lines of a log, with what is told of any: ``epoch=1 steps=28 train_loss=... val_loss=...``."""
        told = {name: values for name, values in self.epochs.items() if not np.isnan(values).all()}
        steps = self.steps or [None] * len(self)
        return [
            Watch.line(place + 1, {name: values[place] for name, values in told.items()}, steps[place])
            for place in range(len(self))
        ]

    def to_bytes(self) -> bytes:
        """Return it as bytes: a line of JSON, and the numbers as they are."""
        told = {name: getattr(self, name) for name in ("best_epoch", "stopped", "every", "steps", "rows")}
        head = json.dumps({**told, "epochs": len(self)})
        numbers = np.stack([self.epochs[name] for name in COLUMNS]).tobytes()
        return b"\n".join((head.encode(), numbers + b"".join(one.tobytes() for one in self.batches)))

    @classmethod
    def from_bytes(cls, data: bytes) -> Course:
        """Return what `to_bytes` wrote."""
        head, _, numbers = data.partition(b"\n")
        told = json.loads(head)
        n, steps, every = told.pop("epochs"), told.pop("steps"), told["every"]
        epochs = np.frombuffer(numbers, dtype=np.float64, count=n * len(COLUMNS)).reshape(len(COLUMNS), n)
        losses = np.frombuffer(numbers, dtype=np.float32, offset=epochs.nbytes)
        ends = np.cumsum([-(-one // every) for one in steps])
        batches = np.split(losses, ends[:-1]) if steps else []
        return cls(dict(zip(COLUMNS, epochs, strict=True)), **told, batches=tuple(batches), steps=tuple(steps))


def course_of(spec: ModelSpec, model: Any, rows: int) -> Course | None:
    """Return how a fitted model was trained, on so many rows; None, where its plugin does not tell.

    An answer that is none is warned of: a fit is not lost with it.
    """
    try:
        historian = spec.hook("history")
        told = None if historian is None else historian(model.own if isinstance(model, ByStep) else model)
        return None if told is None else read_course(told, rows)
    except Exception as e:
        why = str(e) if isinstance(e, FitError) else f"its history hook raised {reason_of(e)}"
        warnings.warn(f"how {spec} was trained is not known: {why}", stacklevel=2)
        return None


def read_course(told: Any, rows: int = 0) -> Course | None:
    """Return what a `history` hook told; None, where it told of no epoch.

    Raises
    ------
    FitError
        If it is not what `quorate.ModelSpec` asks for.
    """
    if not isinstance(told, Mapping):
        raise FitError(f"history must give a mapping with {one_of(TOLD)}; it gave {type(told).__name__}")
    _known(told, TOLD, "history")
    epochs = told.get("epochs")
    if not isinstance(epochs, Mapping):
        raise FitError(f"history: epochs must be a mapping of columns to numbers; it was {epochs!r:.60}")
    _known(epochs, COLUMNS, "history: epochs")
    columns = {name: _numbers(f"epochs[{name!r}]", values) for name, values in epochs.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise FitError(f"history: the columns of epochs must be of one length; they were {lengths}")
    n = max(lengths.values(), default=0)
    if not n:
        return None
    best = told.get("best_epoch", n)
    if not isinstance(best, int | np.integer) or not 0 <= best <= n:
        raise FitError(
            f"history: best_epoch must be a whole number from 1 to {n}, or 0 for what it went on from; "
            f"it was {best!r:.60}"
        )
    batches = _batches(told.get("batches", ()), n)
    steps = tuple(map(len, batches))
    every = -(-sum(steps) // MOST) or 1
    return Course(
        {name: columns.get(name, np.full(n, math.nan)) for name in COLUMNS},
        int(best),
        " ".join(str(told.get("stopped", "")).split()),
        tuple(_means(one, every) for one in batches),
        every,
        steps,
        rows,
    )


def _known(found: Mapping[Any, Any], names: Sequence[str], what: str) -> None:
    for name in found:
        if name not in names:
            raise FitError(f"{what} must have {one_of(names)}; it has {name!r}{near_misses(str(name), names)}")


def _numbers(what: str, values: Any) -> Floats:
    """Return numbers, NaN where they are not finite."""
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.empty((0, 0))
    if found.ndim != 1:
        raise FitError(f"history: {what} must be numbers, one after the other; it was {values!r:.60}")
    found[~np.isfinite(found)] = math.nan
    return found


def _batches(values: Any, n: int) -> list[Floats]:
    try:
        found = [_numbers("batches", one) for one in values]
    except TypeError:
        raise FitError(f"history: batches must be numbers for each epoch; it was {values!r:.60}") from None
    if len(found) not in (0, n):
        raise FitError(f"history: batches must be of as many epochs as there are, {n}; they were of {len(found)}")
    return found


def _means(values: Floats, every: int) -> NDArray[np.float32]:
    """Return the means of so many successive values each."""
    starts = np.arange(0, len(values), every)
    sums = np.add.reduceat(values, starts) if len(values) else values
    counts = np.minimum(every, len(values) - starts)
    return (sums / counts).astype(np.float32)
