"""Features on a panel: where all of them can be had, and what each is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.covariates import gaps_between, in_a_row, input_of, where_known
from quorate.dataset.join import Join, tenure, too_few
from quorate.dataset.packing import Packing
from quorate.errors import DataError, PluginError
from quorate.plugins.calling import call
from quorate.plugins.specs import FeatureSpec
from quorate.statistics import Floats

Panel = NDArray[np.float32]
Kept = Callable[[FeatureSpec, Bars, Callable[[], Panel]], Panel]


@dataclass(frozen=True, eq=False)
class Columns:
    """The features of a panel's rows, one after the other: all at once are large where there are many rows.

    Parameters
    ----------
    bar, symbol : ndarray of int64, (n_rows,)
        As of `Dataset`.
    values : iterator of ndarray of float32, (n_rows,)
        One for each feature.
    """

    bar: NDArray[np.int64]
    symbol: NDArray[np.int64]
    values: Iterator[Panel]


@dataclass(frozen=True, eq=False)
class LaidOut:
    """Where a panel has rows.

    Parameters
    ----------
    usable : ndarray of bool, (n_bars, n_symbols)
        Where every feature must be finite.
    keep : ndarray of bool, (n_bars, n_symbols)
        Where rows are: there is the history that models need, too.
    full : ndarray, (n_bars, n_symbols)
        For how many bars in a row, up to each, there are all features.
    """

    bars: Bars
    packing: Packing
    usable: NDArray[np.bool_]
    keep: NDArray[np.bool_]
    full: NDArray[Any]
    _beside: Mapping[str, _Beside]

    def panels(self, features: Sequence[FeatureSpec], kept: Kept | None = None) -> Iterator[Panel]:
        """Yield what each feature is, (n_bars, n_symbols); arguments as of `build_dataset`.

        Raises
        ------
        PluginError
            If a feature breaks its contract.
        """
        inputs: dict[tuple[str, bool], Floats] = {}
        for spec in features:
            own = partial(values_of, spec, self.bars, self.packing, inputs)
            compute = partial(self._beside[spec.frequency].values, spec) if spec.frequency else own
            values = kept(spec, self.bars, compute) if kept else compute()
            # Also what is kept: which rows are used depends on the other features, too.
            _check_finite(spec, values, self.bars, self.usable)
            yield values


def lay_out(
    bars: Bars, features: Sequence[FeatureSpec], least_history: int = 1, window: int = 0, since: int | None = None
) -> LaidOut:
    """Say where a panel has rows; arguments as of `build_dataset`.

    Raises
    ------
    DataError
        If it has none.
    """
    packing = Packing(bars)
    beside = {name: _Beside(bars, name) for name in sorted({f.frequency for f in features} - {""})}
    longest = max((f.lookback for f in features if not f.frequency), default=1)
    usable = bars.present & (packing.age >= longest)
    for feature in features:
        if feature.frequency:
            usable &= beside[feature.frequency].join.age >= feature.lookback
    full: NDArray[Any] = np.cumsum(usable, axis=0)
    if bars.covariates:
        usable = where_known(bars, features, usable, packing.pack, packing.unpack)
        full = in_a_row(usable, packing.pack, packing.unpack)
    keep = usable & (full >= window) & (packing.age >= least_history)
    if bars.universe is not None:
        among = _in_universe(bars, features, beside)
        keep, usable = keep & among, usable & among
    if since is not None:
        keep[:since] = False
    elif not keep.any():
        gaps = int(full.max()) if bars.covariates else 0
        if 0 < gaps < window:
            raise DataError(gaps_between(gaps, window))
        history = max(longest + max(window - 1, 0), least_history)
        joins = {name: one.join for name, one in beside.items()}
        raise DataError(too_few(features, joins, int(packing.age.max()), history))
    return LaidOut(bars, packing, usable, keep, full, beside)


def feature_columns(bars: Bars, features: Sequence[FeatureSpec], least_history: int = 1, window: int = 0) -> Columns:
    """Return the features of `build_dataset` one after the other."""
    laid = lay_out(bars, features, least_history, window)
    row, column = np.nonzero(laid.keep)
    return Columns(row, column, (values[laid.keep] for values in laid.panels(features)))


def _in_universe(bars: Bars, features: Sequence[FeatureSpec], beside: Mapping[str, _Beside]) -> NDArray[np.bool_]:
    """Return where symbols belong to the universe, and long enough for all that compares them."""
    found = bars.member
    for one in features:
        if one.cross_sectional:
            held = beside[one.frequency].join.tenure if one.frequency else tenure(bars)
            found = found & (held >= one.lookback)
    return found


class _Beside:
    """The bars of another frequency beside a panel, and what features are on them at each of its bars."""

    def __init__(self, bars: Bars, frequency: str) -> None:
        self.join = Join(bars, frequency)
        self._packing = Packing(self.join.bars)
        self._inputs: dict[tuple[str, bool], Floats] = {}

    def values(self, spec: FeatureSpec) -> NDArray[np.float32]:
        """Return a feature as it is known at each bar of the panel."""
        return self.join.joined(values_of(spec, self.join.bars, self._packing, self._inputs))


def values_of(
    spec: FeatureSpec, bars: Bars, packing: Packing, inputs: dict[tuple[str, bool], Floats]
) -> NDArray[np.float32]:
    """Return what a feature is, (n_bars, n_symbols); `inputs` is what others have read."""
    with np.errstate(over="ignore"):  # what float32 cannot hold is refused right after
        return computed(spec, bars, packing, inputs).astype(np.float32)


def computed(spec: FeatureSpec, bars: Bars, packing: Packing, inputs: dict[tuple[str, bool], Floats]) -> Floats:
    """Return what a feature gives, (n_bars, n_symbols), whatever it is; `inputs` is what others have read."""
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
