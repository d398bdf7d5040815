"""How much each training row counts: what plugins say of the rows that train alone, multiplied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.errors import DataError, PluginError, plural
from quorate.plugins.calling import call
from quorate.plugins.specs import WeightSpec
from quorate.statistics import Floats

Positions = NDArray[np.int64]
Array = TypeVar("Array", bound=NDArray[Any])


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """The rows that train a fold, in the order of their bars, and of one bar in that of their symbols; read-only.

    Parameters
    ----------
    bar : ndarray of int64, (n_rows,)
        Bar of each row, counted from that of the first row, which is 0.
    end : ndarray of int64, (n_rows,)
        Bar at which all is known that is learnt of the row, counted likewise.
    symbol : ndarray of int64, (n_rows,)
        Place of the row's symbol among those of the rows.
    time : ndarray of datetime64[us], (n_rows,)
        Close of the row's bar, UTC.
    labels : ndarray of float64, (n_rows,)
        What is learnt: 0 or 1 of a class; of several steps that of the step that is traded.
    moves : ndarray of float64, (n_bars, n_symbols)
        Log return of each close over the symbol's close before, 0 where there is none, from bar 0 to the last `end`;
        without a bar, unless the spec says ``moves=True``.
    """

    bar: Positions
    end: Positions
    symbol: Positions
    time: NDArray[np.datetime64]
    labels: Floats
    moves: Floats = field(default_factory=lambda: np.empty((0, 0)))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.bar)


class Weighting(NamedTuple):
    """One way to weigh training rows: a plugin and its options."""

    spec: WeightSpec
    params: Mapping[str, Any]


def sample_weights(dataset: Dataset, rows: Positions, weightings: Sequence[Weighting]) -> Floats:
    """Return the product of some weights of training rows, (n_rows,), float64, with mean 1.

    Only the rows themselves are shown, and of the bars those that lie within the intervals of their labels.

    Raises
    ------
    DataError
        If every row would weigh nothing.
    PluginError
        If a weight fails, or gives something else than a number from 0 on for each row.
    """
    found = np.ones(len(rows))
    for one in weightings if len(rows) else ():
        shown = training_rows(dataset, rows, one.spec.moves)
        found *= call(
            one.spec, plural(len(rows), "training row"), (shown,), one.params, partial(weights_in, n=len(rows))
        )
    return normalised(found, " x ".join(one.spec.name for one in weightings))


def training_rows(dataset: Dataset, rows: Positions, moves: bool) -> TrainingRows:
    """Return what a weight is shown of training rows: copies, of which nothing else can be reached."""
    bar, end = dataset.bar[rows], dataset.learnt_end[rows]
    first, stop = int(bar[0]), int(end.max()) + 1
    symbols, place = np.unique(dataset.symbol[rows], return_inverse=True)
    known = dataset.times if len(dataset.times) else np.full(int(bar.max()) + 1, np.datetime64("NaT", "us"))
    market = dataset.moves[first:stop][:, symbols] if moves else np.empty((0, 0))
    return TrainingRows(
        bar=_read_only(bar - first),
        end=_read_only(end - first),
        symbol=_read_only(place.astype(np.int64)),
        time=_read_only(known[bar]),
        labels=_read_only(dataset.y[rows]),
        moves=_read_only(market),
    )


def weights_in(answer: Any, n: int) -> Floats:
    """Return the weights of `n` rows that a plugin gave.

    Raises
    ------
    PluginError
        Naming what it must be, and the first row that is not.
    """
    values = np.asarray(answer)
    if values.shape != (n,) or values.dtype.kind not in "fiub":
        raise PluginError(
            f"it must give a number for each of {n} rows, an array of shape ({n},); it gave "
            f"{type(answer).__name__} of shape {values.shape}, {values.dtype}"
        )
    weights = values.astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise PluginError(
            f"weights must be finite, and 0 or more; {len(wrong)} of {n} are not, the first is {weights[wrong[0]]:g}, "
            f"of row {wrong[0]}: guard divisions and logarithms, and cut off below 0 with np.maximum"
        )
    return weights


def normalised(weights: Floats, told: str) -> Floats:
    """Return weights with mean 1; `DataError`, if all are 0."""
    if not len(weights):
        return weights
    mean = float(weights.mean())
    if not mean > 0:
        raise DataError(f"labels.weights: all {len(weights)} rows weigh nothing ({told})")
    return weights / mean


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
