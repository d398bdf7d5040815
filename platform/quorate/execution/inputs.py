"""What a model reads: rows of features, windows of them, bars as they are, or a frame with categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.dataset.windows import Windows
from quorate.errors import FitError
from quorate.plugins.specs import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

Inputs: TypeAlias = "NDArray[Any] | pd.DataFrame | Windows"


def array_of(dataset: Dataset, kind: str) -> NDArray[Any]:
    """Return the array that models of this kind of input read: ``rows``, ``windows``, or bars as they are."""
    return dataset.X if kind == "rows" else dataset.sequence if kind == "windows" else dataset.ohlcv


def reads_categories(spec: ModelSpec, dataset: Dataset) -> bool:
    """Say whether a model is given categories: it takes them, and there are some."""
    return spec.categories and bool(dataset.categories.names)


def inputs_of(spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64], train: NDArray[np.int64]) -> Inputs:
    """Return what a model that trains on `train` reads of some rows."""
    source = array_of(dataset, spec.input)
    if spec.input == "rows":
        X = source[rows]
        if not reads_categories(spec, dataset):
            return X
        return dataset.categories.beside(X, dataset.feature_names, dataset.categories.known(train), rows)
    if dataset.window is not None and spec.input == "windows" and spec.lookback > dataset.window:
        raise FitError(f"it reads windows of {spec.lookback} bars, and rows were made that have {dataset.window}")
    if spec.lazy:
        return Windows(source, dataset.context[rows], spec.lookback, dataset.symbol[rows])
    views = np.lib.stride_tricks.sliding_window_view(source, spec.lookback, axis=0).transpose(0, 2, 1)
    at = dataset.context[rows] - (spec.lookback - 1)
    if len(at) and np.array_equal(at, np.arange(at[0], at[0] + len(at))):
        return views[at[0] : at[0] + len(at)]  # one symbol: nothing is copied
    return views[at]


def padded(X: Inputs, start: int, size: int) -> Inputs:
    """Return `size` rows from `start` on, those beyond the last one zero; of a frame, its first row again."""
    if isinstance(X, Windows):
        X, start = np.asarray(X[start : start + size]), 0
    if not isinstance(X, np.ndarray):
        wanted = np.arange(start, start + size)
        return X.iloc[np.where(wanted < len(X), wanted, 0)].reset_index(drop=True)
    block = np.zeros((size, *X.shape[1:]), dtype=X.dtype)
    part = X[start : start + size]
    block[: len(part)] = part
    return block


def shuffled(X: Inputs, columns: Sequence[int], orders: NDArray[np.int64]) -> Inputs:
    """Return the rows once per order, with the values of some columns taken in that order.

    Columns that the model does not read are left out.
    """
    places = [column for column in columns if column < X.shape[-1]]
    order = orders.ravel()
    if isinstance(X, Windows):
        X = np.asarray(X)
    if not isinstance(X, np.ndarray):
        copies = X.iloc[np.tile(np.arange(len(X)), len(orders))].reset_index(drop=True)
        for column in places:
            copies[copies.columns[column]] = X.iloc[order, column].array
        return copies
    copied = np.concatenate([X] * len(orders))
    copied[..., places] = X[order][..., places]
    return copied
