"""Combining members, causally: weights used in a fold come from rows whose label had ended before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.dataset import Dataset
from quorate.errors import PluginError
from quorate.folds import Fold
from quorate.specs import EnsemblerSpec

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EnsembleHistory:
    """Out-of-fold rows whose label had ended when the weights are first used, in time order.

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
    """

    members: tuple[str, ...]
    predictions: Floats
    labels: Floats
    bars: NDArray[np.int64]
    binary: bool


def known_rows(predictions: Floats, end: NDArray[np.int64], at: int) -> NDArray[np.bool_]:
    """Return which rows have all predictions and a label that had ended at the close of bar `at`."""
    return np.isfinite(predictions).all(axis=1) & (end <= at)


def member_weights(spec: EnsemblerSpec, params: Mapping[str, Any], history: EnsembleHistory) -> Floats:
    """Return the weight of each member, summing to one; equal ones, if there is no history.

    Raises
    ------
    PluginError
        If the ensembler breaks its contract.
    """
    n = len(history.members)
    if len(history.labels) == 0:
        return np.full(n, 1 / n)
    weights = np.asarray(spec.resolve()(history, **params), dtype=np.float64)
    if weights.shape != (n,) or not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise PluginError(
            f"ensembler {spec.name!r} must give {n} finite weights, none negative and not all zero; it gave {weights}"
        )
    shares: Floats = weights / weights.sum()
    return shares


def combine(
    spec: EnsemblerSpec,
    params: Mapping[str, Any],
    members: Sequence[str],
    predictions: Floats,
    dataset: Dataset,
    folds: Sequence[Fold],
    binary: bool,
) -> tuple[Floats, Floats]:
    """Return the combined prediction of every row, and the weights of every fold.

    A member whose fit failed on a fold has no weight there: that it failed was known before the fold's
    first decision, and what it would have weighed elsewhere is no matter. One that never predicted before,
    as its fits failed, has none until rows of its own have ended, unless that is so for all of them.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions, NaN where there is none.

    Returns
    -------
    combined : ndarray of float64, (n_rows,)
        NaN where there is no prediction.
    weights : ndarray of float64, (n_folds, n_members)
    """
    combined = np.full(len(dataset), np.nan)
    weights = np.zeros((len(folds), len(members)))
    for k, fold in enumerate(folds):
        there = np.asarray(np.isfinite(predictions[fold.test]).all(axis=0), dtype=bool)
        if not there.any():
            continue
        ended = predictions[dataset.end <= fold.first]
        proven = there & np.isfinite(ended).any(axis=0)
        voting = proven if proven.any() else there
        given = predictions[:, voting]
        known = known_rows(given, dataset.end, fold.first)
        names = tuple(name for name, votes in zip(members, voting.tolist(), strict=True) if votes)
        history = EnsembleHistory(names, given[known], dataset.y[known], dataset.bar[known], binary)
        weights[k, voting] = member_weights(spec, params, history)
        combined[fold.test] = weighted(given[fold.test], weights[k, voting])
    return combined, weights


def weighted(predictions: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of each row, summed member by member so that rows do not depend on each other."""
    total = np.zeros(len(predictions))
    for j, weight in enumerate(weights):
        total = total + weight * predictions[:, j]
    return total
