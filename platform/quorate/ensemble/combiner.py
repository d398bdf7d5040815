"""What an ensembler is shown, what it is asked to combine, and what it may answer beside plain weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.statistics import Floats

Positions = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EnsembleHistory:
    """Out-of-fold rows whose label had ended when the answer is first used, in time order; read-only.

    Parameters
    ----------
    members : tuple of str
        Names, in the order of the columns.
    predictions : ndarray of float64, (n_rows, n_members)
        Probability of the positive class, or expectation.
    labels : ndarray of float64, (n_rows,)
        What came true.
    bars : ndarray of int64, (n_rows,)
        Position of each row's bar; the rows of one bar are no independent evidence.
    binary : bool
        Whether predictions are probabilities.
    volatility : ndarray of float64, (n_rows,)
        Standard deviation of the symbol's last 20 close-to-close returns, per bar, known at the row's bar;
        NaN in warm-up.
    ends : ndarray of int64, (n_rows,)
        Position of the bar at which each label became known. With ``update="bar"`` the rows are in this order.
    """

    members: tuple[str, ...]
    predictions: Floats
    labels: Floats
    bars: Positions
    binary: bool
    volatility: Floats = field(default_factory=lambda: np.empty(0))
    ends: Positions = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        n = len(self.labels)
        if len(self.volatility) != n:
            object.__setattr__(self, "volatility", np.full(n, np.nan))
        if len(self.ends) != n:
            object.__setattr__(self, "ends", np.asarray(self.bars) + 1)

    def take(self, rows: NDArray[Any]) -> EnsembleHistory:
        """Return the history of these rows, given as positions or as a mask."""
        names = ("predictions", "labels", "bars", "volatility", "ends")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


@dataclass(frozen=True, eq=False)
class EnsembleRows:
    """Rows to combine, none of which the ensembler has seen; read-only.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Columns in the order of the history's `members`.
    bars : ndarray of int64, (n_rows,)
        Position of each row's bar.
    volatility : ndarray of float64, (n_rows,)
        As in `EnsembleHistory`; NaN in warm-up.
    """

    predictions: Floats
    bars: Positions
    volatility: Floats

    def first(self, n: int) -> EnsembleRows:
        """Return the first `n` rows."""
        return EnsembleRows(self.predictions[:n], self.bars[:n], self.volatility[:n])


@dataclass(frozen=True, eq=False)
class Combiner:
    """An ensembler's answer that is more than a weight per member: a function of the rows to combine.

    Parameters
    ----------
    combine : callable
        From `EnsembleRows` to predictions, float64 (n_rows,), finite. Each row is combined by itself: what it
        gives does not depend on the other rows.
    weights : ndarray of float64, (n_members,), callable or None
        For showing: one weight per member, or a function from `EnsembleRows` to (n_rows, n_members). Finite;
        negative where a member counts the other way round. None, if the method has no weights.
    """

    combine: Callable[[EnsembleRows], Floats]
    weights: Floats | Callable[[EnsembleRows], Floats] | None = None


def weighted(predictions: Floats, weights: Floats) -> Floats:
    """Return the weighted sum of each row, member by member so that rows do not depend on each other.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
    weights : ndarray of float64, (n_members,) or (n_rows, n_members)
    """
    each = np.broadcast_to(weights, predictions.shape)
    total = np.zeros(len(predictions))
    for j in range(predictions.shape[1]):
        total = total + each[:, j] * predictions[:, j]
    return total
