"""What a model reads: rows of features, windows of them, bars as they are, or a frame with categories."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.rows import Dataset
from quorate.dataset.windows import Windows
from quorate.errors import FitError
from quorate.plugins.specs import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

Inputs: TypeAlias = "NDArray[Any] | pd.DataFrame | Windows | Placed"
UNKNOWN: Mapping[str, Any] = {"bar": 0, "symbol": -1, "time": np.datetime64(0, "us")}  # of rows that fill up a block


@dataclass(frozen=True, eq=False)
class Placed:
    """Inputs of a model that is told where each row stands.

    Parameters
    ----------
    X : Inputs
        As other models read them.
    places : mapping of str to ndarray
        ``bar``, ``symbol`` and ``time`` of each row, as `ModelSpec.places` has it.
    """

    X: Any
    places: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.X)

    def __getitem__(self, rows: slice) -> Placed:
        """Return some of the rows."""
        return Placed(self.X[rows], {name: values[rows] for name, values in self.places.items()})

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the inputs."""
        return tuple(self.X.shape)


def plain(X: Inputs) -> Any:
    """Return inputs without what is told of their places."""
    return X.X if isinstance(X, Placed) else X


def places_in(X: Inputs) -> Mapping[str, NDArray[Any]]:
    """Return what is told of the places of inputs."""
    return X.places if isinstance(X, Placed) else {}


def named_by(function: Callable[..., Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the values that a function's signature names, as arguments for it."""
    if not values:
        return {}
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # some compiled callables do not tell
        return {}
    return {name: value for name, value in values.items() if name in parameters}


def array_of(dataset: Dataset, kind: str) -> NDArray[Any]:
    """Return the array that models of this kind of input read: ``rows``, ``windows``, or bars as they are."""
    return dataset.X if kind == "rows" else dataset.sequence if kind == "windows" else dataset.ohlcv


def reads_categories(spec: ModelSpec, dataset: Dataset) -> bool:
    """Say whether a model is given categories: it takes them, and there are some."""
    return spec.categories and bool(dataset.categories.names)


def inputs_of(
    spec: ModelSpec,
    dataset: Dataset,
    rows: NDArray[np.int64],
    train: NDArray[np.int64],
    whole: NDArray[np.int64] | None = None,
) -> Inputs:
    """Return what a model that trains on `train` reads of some rows; their places count from `whole`, of the fold."""
    X = _read(spec, dataset, rows, train)
    if not spec.told:
        return X
    return Placed(X, places_of(spec, dataset, rows, train if whole is None else whole))


def places_of(
    spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64], train: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Return what a model asks for of bar, symbol and time of some rows; the first two count from its training rows."""
    found: dict[str, NDArray[Any]] = {}
    for name in spec.told:
        if name == "bar":
            found[name] = dataset.bar[rows] - (dataset.bar[train[0]] if len(train) else 0)
        elif name == "symbol":
            found[name] = codes_of(dataset.symbol[rows], dataset.symbol[train])
        else:
            found[name] = dataset.times[dataset.bar[rows]]
    return found


def codes_of(own: NDArray[np.int64], train: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each symbol among those of the training rows, -1 for others."""
    symbols = np.unique(train)
    if not len(symbols):
        return np.full(len(own), UNKNOWN["symbol"], dtype=np.int64)
    code = np.minimum(np.searchsorted(symbols, own), len(symbols) - 1)
    return np.where(symbols[code] == own, code, UNKNOWN["symbol"]).astype(np.int64)


def _read(spec: ModelSpec, dataset: Dataset, rows: NDArray[np.int64], train: NDArray[np.int64]) -> Inputs:
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
    if isinstance(X, Placed):
        places = {}
        for name, values in X.places.items():
            places[name] = np.full(size, UNKNOWN[name], dtype=values.dtype)
            places[name][: len(values[start : start + size])] = values[start : start + size]
        return Placed(padded(X.X, start, size), places)
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
    if isinstance(X, Placed):
        told = {name: np.tile(values, len(orders)) for name, values in X.places.items()}
        return Placed(shuffled(X.X, columns, orders), told)
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
