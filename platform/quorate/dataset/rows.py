"""From bars to rows: features and labels on the border between the market and the models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from quorate import rolling
from quorate.bars.panel import FIELDS, Bars
from quorate.dataset.categories import Categories, rows_categories
from quorate.dataset.covariates import gaps_between, in_a_row, input_of, where_known
from quorate.dataset.folds import NEVER
from quorate.dataset.join import Join, tenure, too_few
from quorate.dataset.labels import Labels
from quorate.errors import DataError, PluginError
from quorate.plugins.calling import call
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats

Array = TypeVar("Array", bound=NDArray[Any])
Kept = Callable[[FeatureSpec, Bars, Callable[[], NDArray[np.float32]]], NDArray[np.float32]]


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
) -> Dataset:
    """Compute the features and join them with the labels.

    A row needs as many bars of its symbol as the longest lookback, or `least_history`; and all
    features on `window` bars, its own included. `categories` are texts of the bars, or ``symbol``. `kept` returns
    what a feature is on these bars from before, or computes and keeps it. `path` are the labels of several steps.
    With `moves`, and with `raw` bars, the dataset has them.

    Raises
    ------
    PluginError
        If a feature breaks its contract: wrong shape, or a value that is not finite after warm-up.
    """
    packing = Packing(bars)
    names = tuple(feature.name for feature in features)
    beside = {name: _Beside(bars, name) for name in sorted({f.frequency for f in features} - {""})}
    longest = max((f.lookback for f in features if not f.frequency), default=1)
    usable = bars.present & (packing.age >= longest)
    for feature in features:
        if feature.frequency:
            usable &= beside[feature.frequency].join.age >= feature.lookback
    full: NDArray[Any] = np.cumsum(usable, axis=0)  # bars in a row, up to each, that have all features
    if bars.covariates:
        usable = where_known(bars, features, usable, packing.pack, packing.unpack)
        full = in_a_row(usable, packing.pack, packing.unpack)
    keep = usable & (full >= window) & (packing.age >= least_history)
    if bars.universe is not None:
        among = _in_universe(bars, features, beside)
        keep, usable = keep & among, usable & among
    row, column = np.nonzero(keep)
    if not len(row):
        gaps = int(full.max()) if bars.covariates else 0
        if 0 < gaps < window:
            raise DataError(gaps_between(gaps, window))
        history = max(longest + max(window - 1, 0), least_history)
        joins = {name: one.join for name, one in beside.items()}
        raise DataError(too_few(features, joins, int(packing.age.max()), history))
    compute = partial(_computed, bars, packing, beside, kept, usable, {})
    X, sequence = _filled(features, compute, keep, bars.present if window else None)
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
        window=int(full[keep].min()),
        moves=_read_only(_moves(bars, packing)) if moves else np.empty((0, 0)),
    )


def _computed(
    bars: Bars,
    packing: Packing,
    beside: Mapping[str, _Beside],
    kept: Kept | None,
    usable: NDArray[np.bool_],
    inputs: dict[tuple[str, bool], Floats],
    spec: FeatureSpec,
) -> NDArray[np.float32]:
    """Return a feature, computed or kept, and finite where it is used."""
    own = partial(_values, spec, bars, packing, inputs)
    compute = partial(beside[spec.frequency].values, spec) if spec.frequency else own
    values = kept(spec, bars, compute) if kept else compute()
    # Also what is kept: which rows are used depends on the other features, too.
    _check_finite(spec, values, bars, usable)
    return values


def _filled(
    features: Sequence[FeatureSpec],
    compute: Callable[[FeatureSpec], NDArray[np.float32]],
    keep: NDArray[np.bool_],
    present: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the features of rows, and, where windows are read, of all bars that there are."""
    X = np.empty((int(keep.sum()), len(features)), dtype=np.float32)
    sequence = np.empty((0 if present is None else int(present.sum()), len(features)), dtype=np.float32)
    for j, spec in enumerate(features):
        values = compute(spec)
        X[:, j] = values[keep]
        if present is not None:
            sequence[:, j] = values.T[present.T]
    return X, sequence


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


class Packing:
    """Each symbol's bars from row 0 on, without gaps; and the way back to the panel."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self.present = bars.present
        self.full = bool(self.present.all())
        self.age = np.cumsum(self.present, axis=0)
        self.count = self.present.sum(axis=0)
        self.offset = np.concatenate(([0], np.cumsum(self.count)[:-1]))
        self._packed = np.arange(len(bars))[None, :] < self.count[:, None]

    def pack(self, field: Floats) -> Floats:
        """Return a panel's values packed, NaN after each symbol's last bar."""
        if self.full:
            return field
        packed = np.full(field.T.shape, np.nan)
        packed[self._packed] = field.T[self.present.T]
        packed.flags.writeable = False
        return packed.T

    def unpack(self, packed: Floats) -> Floats:
        """Return packed values as a panel, NaN where a symbol has no bar."""
        if self.full:
            return packed
        field = np.full(packed.T.shape, np.nan)
        field[self.present.T] = packed.T[self._packed]
        return field.T

    def flat(self) -> Floats:
        """Return every symbol's bars, one symbol after the other, (n_symbol_bars, 5)."""
        return np.column_stack([getattr(self._bars, name).T[self.present.T] for name in FIELDS])


class _Beside:
    """The bars of another frequency beside a panel, and what features are on them at each of its bars."""

    def __init__(self, bars: Bars, frequency: str) -> None:
        self.join = Join(bars, frequency)
        self._packing = Packing(self.join.bars)
        self._inputs: dict[tuple[str, bool], Floats] = {}

    def values(self, spec: FeatureSpec) -> NDArray[np.float32]:
        """Return a feature as it is known at each bar of the panel."""
        return self.join.joined(_values(spec, self.join.bars, self._packing, self._inputs))


def _in_universe(bars: Bars, features: Sequence[FeatureSpec], beside: Mapping[str, _Beside]) -> NDArray[np.bool_]:
    """Return where symbols belong to the universe, and long enough for all that compares them."""
    found = bars.member
    for one in features:
        if one.cross_sectional:
            held = beside[one.frequency].join.tenure if one.frequency else tenure(bars)
            found = found & (held >= one.lookback)
    return found


def bar_volatility(bars: Bars, window: int) -> Floats:
    """Return the standard deviation (ddof 1) of the last `window` close-to-close returns, per bar.

    Returns
    -------
    ndarray of float64, (n_bars, n_symbols)
        NaN where a symbol has no bar, and until the window is full. A missed bar is skipped.
    """
    packing = Packing(bars)
    close = packing.pack(bars.close)
    return packing.unpack(rolling.std(rolling.relative(close, rolling.shift(close)), window))


def _values(
    spec: FeatureSpec, bars: Bars, packing: Packing, inputs: dict[tuple[str, bool], Floats]
) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused right after
        return _compute(spec, bars, packing, inputs).astype(np.float32)


def _compute(spec: FeatureSpec, bars: Bars, packing: Packing, inputs: dict[tuple[str, bool], Floats]) -> Floats:
    arrays = []
    for name in spec.inputs:
        key = (name, spec.cross_sectional)
        if key not in inputs:
            field = input_of(bars, spec, name)
            among = field if bars.universe is None else np.where(bars.member, field, np.nan)
            inputs[key] = among if spec.cross_sectional else packing.pack(field)
        arrays.append(inputs[key])
    # Warm-up rows and the space after a symbol's end are NaN by design; what matters is checked after.
    with np.errstate(all="ignore"):
        values = call(spec, bars.__repr__, arrays, spec.params, partial(_panel, spec, bars.close.shape))
    return values if spec.cross_sectional else packing.unpack(values)


def _panel(spec: FeatureSpec, shape: tuple[int, ...], answer: Any) -> Floats:
    if np.iscomplexobj(answer):
        raise PluginError(f"feature {spec.name!r} must give real numbers; it gave complex ones")
    values = np.asarray(answer, dtype=np.float64)
    if values.shape != shape:
        raise PluginError(f"feature {spec.name!r} must give an array {shape}; it gave {values.shape}")
    return values


def _check_finite(spec: FeatureSpec, values: NDArray[np.float32], bars: Bars, usable: NDArray[np.bool_]) -> None:
    bad = usable & ~np.isfinite(values)
    if bad.any():
        row, column = (int(i) for i in np.argwhere(bad)[0])
        raise PluginError(
            f"feature {spec.name!r} must be finite from its {spec.lookback}th bar on; it is {values[row, column]} for "
            f"{bars.symbols[column]} on {bars.sessions[row]} ({int(bad.sum())} of {int(usable.sum())} rows): "
            "declare a longer lookback, define the value there, or leave the feature out with features.exclude"
        )


def _read_only(array: Array) -> Array:
    array.flags.writeable = False
    return array
