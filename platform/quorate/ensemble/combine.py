"""Combining members, causally: what is used at a bar comes from rows whose label had ended by then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import Fold
from quorate.dataset.packing import bar_volatility
from quorate.dataset.rows import Dataset
from quorate.ensemble.asking import audit_path, checked_rows, combined_rows, combiner_of, weight_path
from quorate.ensemble.calibration import Calibration, Map, fit_calibration
from quorate.ensemble.combiner import Combiner, EnsembleHistory, EnsembleRows, weighted
from quorate.errors import PluginError
from quorate.plugins.specs import EnsemblerSpec
from quorate.statistics import Floats

Method = tuple[EnsemblerSpec, Mapping[str, Any]]
VOLATILITY_BARS = 20


class Combined(NamedTuple):
    """An ensemble's predictions and what its members weighed.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows,)
        NaN where there is no prediction.
    weights : ndarray of float64, (n_folds, n_members)
        Mean weight over the rows of each fold; NaN where the method has no weights.
    row_weights : ndarray of float64, (n_rows, n_members)
        Weight in each row's prediction; NaN where there is no prediction or the method has no weights.
    """

    predictions: Floats
    weights: Floats
    row_weights: Floats


@dataclass(frozen=True, eq=False)
class _Step:
    """What the ensemblers get on one fold, of the members that take part there."""

    voting: NDArray[np.bool_]
    rows: EnsembleRows
    known: EnsembleHistory  # labels that had ended at the fold's first bar
    later: EnsembleHistory  # labels that ended by the fold's last bar, in the order of their ends
    calibrated: Map


@dataclass(frozen=True, eq=False)
class FoldCombiner:
    """How the members of a fold are combined, where that was learnt at its first bar: each row by itself.

    Parameters
    ----------
    spec : EnsemblerSpec
        The ensembler.
    voting : ndarray of bool, (n_members,)
        Which members take part.
    """

    spec: EnsemblerSpec
    voting: NDArray[np.bool_]
    _combiner: Combiner
    _calibrated: Map

    def __call__(self, predictions: Floats, bars: NDArray[np.int64], volatility: Floats) -> Floats:
        """Return the combined predictions of rows of the fold, (n_rows,).

        Parameters
        ----------
        predictions : ndarray of float64, (n_rows, n_members)
        bars, volatility : ndarray, (n_rows,)
            As of `EnsembleRows`.

        Raises
        ------
        PluginError
            If the combiner fails or breaks its contract.
        """
        given = (self._calibrated(predictions[:, self.voting]), bars, volatility)
        values, _ = checked_rows(self.spec, self._combiner, EnsembleRows(*(_read_only(array) for array in given)))
        return values


def fold_combiner(
    method: Method,
    members: Sequence[str],
    predictions: Floats,
    dataset: Dataset,
    fold: Fold,
    binary: bool,
    *,
    volatility: Floats,
    calibration: Calibration = "none",
) -> FoldCombiner | None:
    """Return how `combine_all` combines a fold; None, where weights move with each bar, or no member predicts."""
    spec, params = method
    step = _step(members, predictions, dataset, fold, binary, volatility, calibration)
    if step is None or spec.update == "bar":
        return None
    return FoldCombiner(spec, step.voting, combiner_of(spec, params, step.known), step.calibrated)


def known_rows(predictions: Floats, end: NDArray[np.int64], at: int) -> NDArray[np.bool_]:
    """Return which rows have all predictions and a label that had ended at the close of bar `at`."""
    return np.isfinite(predictions).all(axis=1) & (end <= at)


def recent_volatility(bars: Bars, dataset: Dataset) -> Floats:
    """Return the `bar_volatility` of each row's symbol as it was known at the row's bar, (n_rows,)."""
    of_rows: Floats = bar_volatility(bars, VOLATILITY_BARS)[dataset.bar, dataset.symbol]
    return of_rows


def combine_all(
    methods: Sequence[Method],
    members: Sequence[str],
    predictions: Floats,
    dataset: Dataset,
    folds: Sequence[Fold],
    binary: bool,
    *,
    volatility: Floats | None = None,
    calibration: Calibration = "none",
) -> list[Combined]:
    """Combine the members by several methods, fold by fold.

    An ensembler with ``update="fold"`` learns from rows whose label had ended at the fold's first bar, and so
    does the calibration of the members. One with ``update="bar"`` gives each decision bar the weights that it
    had when the last label before or at that bar ended. Before there is such a row members weigh the same.

    A member whose fit failed on a fold has no weight there: that it failed was known before the fold's
    first decision, and what it would have weighed elsewhere is no matter. One that never predicted before,
    as its fits failed, has none until rows of its own have ended, unless that is so for all of them.

    Parameters
    ----------
    methods : sequence of (EnsemblerSpec, its parameters)
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions, NaN where there is none.
    volatility : ndarray of float64, (n_rows,), optional
        As `recent_volatility` gives it; all NaN, if it is not given.
    calibration : {"none", "isotonic", "platt", "z-score", "bar-rank", "bar-z-score"}
        How members are brought to one scale before they are combined; see `fit_calibration`.

    Raises
    ------
    PluginError
        If an ensembler fails or breaks its contract.
    IntegrityError
        If weights change with labels that end later, or a row's combination with other rows.
    """
    for spec, _ in methods:
        _check_task(spec, binary)
    shape = predictions.shape
    known = np.full(shape[0], np.nan) if volatility is None else volatility
    found = [
        Combined(np.full(shape[0], np.nan), np.zeros((len(folds), shape[1])), np.full(shape, np.nan)) for _ in methods
    ]
    last: _Step | None = None
    for k, fold in enumerate(folds):
        step = _step(members, predictions, dataset, fold, binary, known, calibration)
        if step is not None:
            for (spec, params), one in zip(methods, found, strict=True):
                _combine_fold(spec, params, step, one, k, fold)
            last = step
    for spec, params in methods:
        if spec.update == "bar" and last is not None:
            _audit(spec, params, last)
    return found


def _check_task(spec: EnsemblerSpec, binary: bool) -> None:
    if spec.task not in ("any", "classification" if binary else "regression"):
        of, this, other = (
            ("labels of 0 and 1", "is a number", "ridge-stack")
            if spec.task == "classification"
            else ("labels that are numbers", "is 0 or 1", "logistic-stack")
        )
        raise PluginError(
            f"ensembler {spec.name!r} combines predictions of {of}; this label {this}: set ensemble.method, or what "
            f'ensemble.compare names, to another, e.g. "{other}"'
        )


def _combine_fold(
    spec: EnsemblerSpec, params: Mapping[str, Any], step: _Step, one: Combined, k: int, fold: Fold
) -> None:
    """Write what a method makes of fold `k` into its outcome."""
    values, weights = (_by_bar if spec.update == "bar" else _by_fold)(spec, params, step)
    one.predictions[fold.test] = values
    one.row_weights[fold.test] = 0.0
    one.row_weights[np.ix_(fold.test, step.voting)] = weights
    # The mean of equal numbers may differ from them in the last bit.
    same = bool((weights == weights[0]).all())
    one.weights[k, step.voting] = weights[0] if same else weights.mean(axis=0)


def _audit(spec: EnsemblerSpec, params: Mapping[str, Any], last: _Step) -> None:
    """Cut among the labels that ended within the last fold: there an entry could see what a decision must not."""
    bars = np.unique(last.later.ends)
    before = int((bars <= last.rows.bars.min()).sum())
    audit_path(spec, params, last.later, (before + len(bars)) // 2)


def _step(
    members: Sequence[str],
    predictions: Floats,
    dataset: Dataset,
    fold: Fold,
    binary: bool,
    volatility: Floats,
    calibration: Calibration,
) -> _Step | None:
    """Return what is known on a fold; None, if no member predicts there."""
    there = np.asarray(np.isfinite(predictions[fold.test]).all(axis=0), dtype=bool)
    if not there.any():
        return None
    ended = predictions[dataset.end <= fold.first]
    proven = there & np.isfinite(ended).any(axis=0)
    voting = proven if proven.any() else there
    given = predictions[:, voting]
    known = known_rows(given, dataset.end, fold.first)
    calibrated = fit_calibration(calibration, given[known], dataset.y[known], binary)
    names = tuple(name for name, votes in zip(members, voting.tolist(), strict=True) if votes)

    def history(rows: NDArray[np.int64]) -> EnsembleHistory:
        arrays = (calibrated(given[rows]), dataset.y[rows], dataset.bar[rows], volatility[rows], dataset.end[rows])
        p, y, bar, deviation, end = (_read_only(array) for array in arrays)
        return EnsembleHistory(names, p, y, bar, binary, deviation, end)

    later = np.flatnonzero(known_rows(given, dataset.end, fold.stop - 1))
    test = (calibrated(given[fold.test]), dataset.bar[fold.test], volatility[fold.test])
    return _Step(
        voting=voting,
        rows=EnsembleRows(*(_read_only(array) for array in test)),
        known=history(np.flatnonzero(known)),
        later=history(later[np.argsort(dataset.end[later], kind="stable")]),
        calibrated=calibrated,
    )


def _by_fold(spec: EnsemblerSpec, params: Mapping[str, Any], step: _Step) -> tuple[Floats, Floats]:
    return combined_rows(spec, combiner_of(spec, params, step.known), step.rows)


def _by_bar(spec: EnsemblerSpec, params: Mapping[str, Any], step: _Step) -> tuple[Floats, Floats]:
    bars, path = weight_path(spec, params, step.later)
    n = len(step.later.members)
    weights = np.vstack([np.full(n, 1 / n), path])[np.searchsorted(bars, step.rows.bars, side="right")]
    return weighted(step.rows.predictions, weights), weights


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy
