"""The fitted models of a fold, each asked for the few rows of a bar as it is asked for many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.errors import FitError
from quorate.execution.keeping import Ready
from quorate.execution.outputs import BLOCK, Outputs
from quorate.execution.task import FitTask
from quorate.runs.models import RunModels
from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

FEW = 16  # rows that are tried first: most models that differ do so on one of them


class Member:
    """A fitted model.

    Parameters
    ----------
    ready : Ready
        It.
    block : int
        With how many rows it is called at least; of fewer its answers have other last bits.
    """

    def __init__(self, ready: Ready, block: int) -> None:
        self._ready, self._block = ready, block

    @property
    def task(self) -> FitTask:
        """Its fit."""
        return self._ready.task

    def __call__(self, dataset: Dataset, rows: NDArray[np.int64], train: NDArray[np.int64]) -> tuple[Floats, Outputs]:
        """Return what it forecasts of some rows, as of `Ready`."""
        return self._ready(dataset, rows, train, self._block if len(rows) <= self._block else BLOCK)


def members_of(models: RunModels, walk: WalkForward, fold: Fold, bars: Bars) -> tuple[list[Member], dict[str, str]]:
    """Return the models that vote on a fold, each seed's; and of those that failed in the run, why.

    Raises
    ------
    FitError
        If one failed, and the recipe stops at failures.
    """
    found: list[Member] = []
    failed: dict[str, str] = {}
    for name in walk.voting:
        try:
            fitted = [models.of(name, fold, replicate) for replicate in range(models.seeds(name))]
        except FitError as e:  # as in the run
            if walk.recipe.on_failure == "stop":
                raise
            failed[name] = str(e)
            continue
        spec = walk.members[name]
        alone = spec.input == "rows" and "torch" not in spec.requires  # networks multiply matrices, and take long
        for one in fitted:
            ready = Ready(one.task, one.state, walk.dataset)
            block = _block(ready, walk.dataset, fold, len(bars.symbols)) if alone else BLOCK
            found.append(Member(ready, block))
    return found, failed


def _block(ready: Ready, dataset: Dataset, fold: Fold, symbols: int) -> int:
    """Return how many rows a model is called with at least, so that its answers are as in the usual blocks.

    Kernels choose their order of summation by the number of rows. Trees add up one row after the other, whatever it
    is: where many rows have the same bits in small blocks, those of one bar are such a block.
    """
    small = 1 << (symbols - 1).bit_length()
    if small >= BLOCK:
        return BLOCK
    stop = int(np.searchsorted(dataset.bar, fold.stop))
    rows = np.arange(max(stop - BLOCK, 0), stop)
    for some in (rows[-FEW:], rows):
        usual = ready(dataset, some, fold.train)
        if not _same(usual, ready(dataset, some, fold.train, small)):
            return BLOCK
    return small


def _same(one: tuple[Floats, Outputs], other: tuple[Floats, Outputs]) -> bool:
    pairs: Sequence[tuple[Floats, Floats]] = [
        (one[0], other[0]), *((one[1][name], other[1][name]) for name in one[1])
    ]  # fmt: skip
    return all(np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes() for a, b in pairs)
