"""Rows of some symbols alone, and rows beside others that no model learns from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER
from quorate.dataset.rows import Dataset


def of_symbols(dataset: Dataset, bars: Bars, keep: NDArray[np.bool_]) -> Dataset:
    """Return the rows of some symbols, as they were computed beside the others.

    Parameters
    ----------
    bars : Bars
        What the rows were built from.
    keep : ndarray of bool, (n_symbols,)
        Which symbols; they are counted anew.
    """
    rows = np.flatnonzero(keep[dataset.symbol])
    own = np.repeat(keep, bars.present.sum(axis=0))  # every symbol's bars lie one symbol after the other
    place, number = np.cumsum(own) - 1, np.cumsum(keep) - 1
    return replace(
        dataset,
        X=dataset.X[rows],
        bar=dataset.bar[rows],
        symbol=number[dataset.symbol[rows]],
        y=dataset.y[rows],
        end=dataset.end[rows],
        ohlcv=dataset.ohlcv[own] if len(dataset.ohlcv) else dataset.ohlcv,
        context=place[dataset.context[rows]],
        sequence=dataset.sequence[own] if len(dataset.sequence) else dataset.sequence,
        categories=replace(dataset.categories, codes=dataset.categories.codes[rows])
        if dataset.categories.names
        else dataset.categories,
        path=dataset.path[rows] if dataset.steps else dataset.path,
        path_end=dataset.path_end[rows] if dataset.steps else dataset.path_end,
        moves=dataset.moves[:, keep] if len(dataset.moves) else dataset.moves,
    )


def without_labels(dataset: Dataset, others: Dataset) -> Dataset:
    """Return rows followed by those of other symbols, whose labels are left out: nothing can be learnt of them.

    Symbols of the others are counted on from those of the first.
    """

    def both(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
        joined = np.concatenate([one, other])
        joined.flags.writeable = False
        return joined

    n, steps = len(others), len(dataset.steps)
    nothing, never = np.full(n, np.nan), np.full(n, NEVER, dtype=np.int64)
    return replace(
        dataset,
        X=both(dataset.X, others.X),
        bar=both(dataset.bar, others.bar),
        symbol=both(dataset.symbol, others.symbol + int(dataset.symbol.max(initial=-1)) + 1),
        y=both(dataset.y, nothing),
        end=both(dataset.end, never),
        ohlcv=both(dataset.ohlcv, others.ohlcv),
        context=both(dataset.context, others.context + max(len(dataset.ohlcv), len(dataset.sequence))),
        sequence=both(dataset.sequence, others.sequence),
        categories=dataset.categories.joined(others.categories),
        path=both(dataset.path, np.full((n, steps), np.nan)) if steps else dataset.path,
        path_end=both(dataset.path_end, np.full((n, steps), NEVER, dtype=np.int64)) if steps else dataset.path_end,
        moves=np.hstack([dataset.moves, others.moves]) if len(dataset.moves) else dataset.moves,
    )
