"""Symbols that are held out: their rows beside those that train, and the proof that none of them trains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.dataset.joined import without_labels
from quorate.dataset.rows import Dataset
from quorate.errors import IntegrityError
from quorate.execution.task import FitData, FitResult
from quorate.trading.costs import Trading

if TYPE_CHECKING:
    from quorate.walkforward.layout import WalkForward

TOLD = 3  # symbols that an error names


@dataclass(frozen=True, eq=False)
class Unseen:
    """The symbols that a recipe holds out, over the bars of a walk-forward.

    Parameters
    ----------
    bars : Bars
        Theirs, at the times of the walk-forward.
    dataset : Dataset
        Their rows, with labels: those are read where forecasts are judged, and nowhere else.
    trading : Trading
        What trading them costs.
    seen : Dataset
        The rows of the walk-forward.
    """

    bars: Bars
    dataset: Dataset
    trading: Trading
    seen: Dataset

    @cached_property
    def beside(self) -> Dataset:
        """The walk-forward's rows, and after them those that are held out, without labels: what fits are given."""
        return without_labels(self.seen, self.dataset)

    def rows(self, fold: Fold) -> NDArray[np.int64]:
        """Return which of the rows that are held out a fold predicts."""
        return np.flatnonzero(fold.at(self.dataset.bar)).astype(np.int64)

    def there(self, walk: WalkForward) -> WalkForward:
        """Return a walk-forward over these symbols alone, without folds."""
        return replace(
            walk, bars=self.bars, dataset=self.dataset, trading=self.trading, folds=[], unseen=None, warnings=[]
        )

    def fit_data(self, folds: Iterable[Fold]) -> FitData:
        """Return what fits read: on each fold they also predict its rows that are held out, after all others.

        Raises
        ------
        IntegrityError
            If one of these rows trains.
        """
        first, found = len(self.seen), []
        for fold in folds:
            if (fold.train >= first).any():
                raise IntegrityError(f"fold {fold.index} trains on rows of symbols that are held out")
            found.append(replace(fold, test=np.concatenate([fold.test, first + self.rows(fold)])))
        return FitData(self.beside, tuple(found))


def audit_symbols(folds: Iterable[Fold], dataset: Dataset, symbols: Sequence[str], held_out: Collection[str]) -> None:
    """Check, by the names of their symbols, that no row of one that is held out trains or is predicted in a fold.

    Raises
    ------
    IntegrityError
        Naming the fold and the symbols.
    """
    names = np.asarray(symbols)
    for fold in folds:
        used = {*names[np.unique(dataset.symbol[np.concatenate([fold.train, fold.test])])].tolist()}
        if wrong := sorted(used & {*held_out}):
            told = ", ".join(wrong[:TOLD]) + (", ..." if len(wrong) > TOLD else "")
            raise IntegrityError(f"fold {fold.index} reads rows of symbols that are held out: {told}")


def parted(unseen: Unseen | None, folds: Iterable[Fold], fits: list[FitResult]) -> list[FitResult]:
    """Return fits whose predictions of rows that are held out stand apart from those of their folds' own rows."""
    if unseen is None:
        return fits
    count = {fold.index: len(fold.test) for fold in folds}
    return [_parted(count[fit.fold], fit) for fit in fits]


def _parted(n: int, fit: FitResult) -> FitResult:
    return replace(
        fit,
        predictions=fit.predictions[:n],
        outputs={name: values[:n] for name, values in fit.outputs.items()},
        unseen=fit.predictions[n:],
        unseen_outputs={name: values[n:] for name, values in fit.outputs.items()},
        replicates=tuple(_parted(n, one) for one in fit.replicates),
    )
