"""From bars to rows: features and labels on the border between the market and the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate import rolling
from quorate.bars.panel import FIELDS, Bars
from quorate.dataset.categories import Categories, rows_categories
from quorate.dataset.columns import Kept, lay_out
from quorate.dataset.folds import NEVER
from quorate.dataset.labels import Labels
from quorate.dataset.packing import Packing
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats

Array = TypeVar("Array", bound=NDArray[Any])


@dataclass(frozen=True, eq=False)
class Dataset:
    """One row per symbol and bar that has all its features, by bar and then by symbol.

    Parameters
    ----------
    X : ndarray of float32, (n_rows, n_features), C-contiguous
        Features known at the close of the row's bar.
    feature_names : tuple of str
        Columns of `X`.
    bar, symbol : ndarray of int64, (n_rows,)
        Position on the time axis and column of the panel.
    y : ndarray of float64, (n_rows,)
        Label, NaN where unknown.
    end : ndarray of int64, (n_rows,)
        Position of the bar at which the label becomes known, `NEVER` where it does not.
    ohlcv : ndarray of float64, (n_symbol_bars, 5)
        Every symbol's bars, one symbol after the other, without gaps; without a bar, if no model reads them.
    context : ndarray of int64, (n_rows,)
        The row's own bar in `ohlcv` and `sequence`.
    sequence : ndarray of float32, (n_symbol_bars, n_features)
        The features of every symbol's bars, one symbol after the other, NaN in warm-up; without a bar, if
        no model reads windows.
    categories : Categories
        Texts of the rows, for models that take them.
    steps : tuple of int
        Horizons of labels of several steps; none, where there is one.
    window : int, optional
        Bars with all features that every row has, its own included; None: not known.
    path, path_end : ndarray, (n_rows, n_steps)
        As `y` and `end`, of each step; `y` and `end` are those of the step that is traded.
    moves : ndarray of float64, (n_bars, n_symbols)
        Log return of each close over the symbol's close before, 0 where there is none; without a bar, if no weight of
        a training row reads them.
    times : ndarray of datetime64[us], (n_bars,)
        The close of each bar, UTC.
    """

    X: NDArray[np.float32]
    feature_names: tuple[str, ...]
    bar: NDArray[np.int64]
    symbol: NDArray[np.int64]
    y: Floats
    end: NDArray[np.int64]
    ohlcv: Floats
    context: NDArray[np.int64]
    sequence: NDArray[np.float32]
    categories: Categories = field(default_factory=Categories)
    steps: tuple[int, ...] = ()
    path: Floats = field(default_factory=lambda: np.empty((0, 0)))
    path_end: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))
    window: int | None = None
    moves: Floats = field(default_factory=lambda: np.empty((0, 0)))
    times: NDArray[np.datetime64] = field(default_factory=lambda: np.empty(0, dtype="datetime64[us]"))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.bar)

    @cached_property
    def learnt_end(self) -> NDArray[np.int64]:
        """Position of the bar at which all is known that a model learns of a row: the end of its last label."""
        return _read_only(self.path_end.max(axis=1)) if self.steps else self.end

    def relabelled(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> Dataset:
        """Return the rows with the labels of others."""
        y, path = self.y.copy(), self.path.copy()
        y[rows] = y[others]
        if self.steps:
            path[rows] = path[others]
        return replace(self, y=y, path=path)


def build_dataset(
    bars: Bars,
    features: Sequence[FeatureSpec],
    labels: Labels,
    least_history: int = 1,
    window: int = 0,
    categories: Sequence[str] = (),
    kept: Kept | None = None,
    path: Mapping[int, Labels] = MappingProxyType({}),
    moves: bool = False,
    raw: bool = True,
    since: int | None = None,
) -> Dataset:
    """Compute the features and join them with the labels.

    A row needs as many bars of its symbol as the longest lookback, or `least_history`; and all
    features on `window` bars, its own included. `categories` are texts of the bars, or ``symbol``. `kept` returns
    what a feature is on these bars from before, or computes and keeps it. `path` are the labels of several steps.
    With `moves`, and with `raw` bars, the dataset has them. Given `since`, it has the rows of bars from there on alone,
    and may have none.

    Raises
    ------
    PluginError
        If a feature breaks its contract: wrong shape, or a value that is not finite after warm-up.
    """
    laid, names = lay_out(bars, features, least_history, window, since), tuple(feature.name for feature in features)
    packing, keep = laid.packing, laid.keep
    row, column = np.nonzero(keep)
    X = np.empty((len(row), len(features)), dtype=np.float32)
    sequence = np.empty((int(packing.count.sum()) if window else 0, len(features)), dtype=np.float32)
    for j, values in enumerate(laid.panels(features, kept)):
        X[:, j] = values[keep]
        if window:
            sequence[:, j] = values.T[bars.present.T]
    y, end = _of_rows(labels, keep)
    several = [_of_rows(one, keep) for one in path.values()]
    empty = np.empty((0, 0)), np.empty((0, 0), dtype=np.int64)
    paths, path_ends = (np.column_stack(part) for part in zip(*several, strict=True)) if several else empty
    return Dataset(
        X=_read_only(X),
        feature_names=names,
        bar=_read_only(row.astype(np.int64)),
        symbol=_read_only(column.astype(np.int64)),
        y=_read_only(y),
        end=_read_only(end),
        ohlcv=_read_only(packing.flat() if raw else np.empty((0, len(FIELDS)))),
        context=_read_only((packing.offset[column] + packing.age[row, column] - 1).astype(np.int64)),
        sequence=_read_only(sequence),
        categories=rows_categories(bars, categories, names, row, column),
        steps=tuple(path),
        path=_read_only(paths),
        path_end=_read_only(path_ends),
        window=int(laid.full[keep].min()) if len(row) else None,
        moves=_read_only(_moves(bars, packing)) if moves else np.empty((0, 0)),
        times=bars.times,
    )


def _moves(bars: Bars, packing: Packing) -> Floats:
    close = packing.pack(bars.close)
    moves = packing.unpack(np.log(close) - np.log(rolling.shift(close)))
    return np.where(np.isfinite(moves), moves, 0.0)


def _of_rows(labels: Labels, keep: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the labels of some bars and symbols, and their ends."""
    y = labels.values[keep]
    return y, np.where(np.isnan(y), NEVER, labels.ends[keep]).astype(np.int64)


def entry_prices(bars: Bars, dataset: Dataset, fill: Literal["open", "close"]) -> Floats:
    """Return the price from which each row's label counts, where labels are what a price earns, (n_rows,).

    That is the fill price of the next bar. NaN where the label is not known, and throughout, where labels are not the
    returns from there to the fill at their ends: no price can be told of them.
    """
    prices, known = bars.fill(fill), dataset.end != NEVER
    bar, symbol, end = (values[known] for values in (dataset.bar, dataset.symbol, dataset.end))
    first, last = prices[bar + 1, symbol], prices[end, symbol]
    found = np.full(len(dataset), np.nan)
    if np.allclose(first * (1 + dataset.y[known]), last, rtol=1e-9, atol=0.0):
        found[known] = first
    return found


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
