"""Quantiles beside a point forecast, made of how far earlier ones were off: conformal prediction, causally."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.statistics import Floats

Interval = Literal["split", "adaptive"]
LEAST_ROWS = 100  # of ended labels, before anything is told
WINDOW = 250  # bars whose errors the adaptive one looks back on
RATE = 0.01  # by how much of a miss the adaptive one moves its level


def conformal(
    predictions: Floats, dataset: Dataset, folds: Sequence[Fold], levels: Sequence[float], method: Interval
) -> Floats:
    """Return quantiles around forecasts, (n_rows, n_levels), learnt from rows whose label had ended.

    A quantile is the forecast plus the quantile of earlier errors, label less forecast, of the rank
    ``ceil((n + 1) level)``, for levels below one half ``floor((n + 1) level)``: where errors are exchangeable, a label
    lies between two of them at least as often as the difference of their levels says, whatever the distribution.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows,)
        Out-of-fold forecasts of a number, NaN where there is none.
    levels : sequence of float
        Ascending.
    method : {"split", "adaptive"}
        ``split``: on each fold of all errors known at its first bar (Papadopoulos et al. 2002; Lei et al. 2018).
        ``adaptive``: at each bar of those of the last 250 bars whose labels had ended, at a level that moves by
        ``0.01 (level - share)`` with the share of labels that ended at a bar and lay below their quantile (Gibbs and
        Candes 2021): in the long run that share is right, also where errors grow.

    Returns
    -------
    ndarray of float64
        Ascending in each row. NaN before a hundred labels had ended, and where they are too few for a level.
    """
    target = np.asarray(levels, dtype=np.float64)
    found = (_split if method == "split" else _adaptive)(predictions, dataset, folds, target)
    return np.sort(found, axis=1)


def _split(predictions: Floats, dataset: Dataset, folds: Sequence[Fold], levels: Floats) -> Floats:
    found = np.full((len(dataset), len(levels)), math.nan)
    errors = dataset.y - predictions
    for fold in folds:
        known = np.sort(errors[np.isfinite(errors) & (dataset.end <= fold.first)])
        if len(known) >= LEAST_ROWS:
            found[fold.test] = predictions[fold.test, None] + _at(known, levels, levels)
    return found


def _adaptive(predictions: Floats, dataset: Dataset, folds: Sequence[Fold], levels: Floats) -> Floats:
    found = np.full((len(dataset), len(levels)), math.nan)
    errors = dataset.y - predictions
    ended = np.flatnonzero(np.isfinite(errors))
    ended = ended[np.argsort(dataset.end[ended], kind="stable")]
    ends = dataset.end[ended]
    told = np.concatenate([fold.test for fold in folds])
    told = told[np.argsort(dataset.bar[told], kind="stable")]
    bars, starts = np.unique(dataset.bar[told], return_index=True)
    moved, heard = levels.copy(), 0
    for bar, rows in zip(bars.tolist(), np.split(told, starts[1:]), strict=True):
        upto = int(np.searchsorted(ends, bar, side="right"))
        moved = _heard(moved, levels, ended[heard:upto], ends[heard:upto], found, dataset)
        heard = upto
        if not upto:
            continue
        # Of the last bars at which labels ended: after a holdout that is closed they lie further back.
        known = errors[ended[np.searchsorted(ends, ends[upto - 1] - WINDOW, side="right") : upto]]
        if len(known) >= LEAST_ROWS:
            n = len(known)
            found[rows] = predictions[rows, None] + _at(np.sort(known), np.clip(moved, 1 / n, 1 - 1 / n), levels)
    return found


def _heard(
    moved: Floats,
    levels: Floats,
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
    found: Floats,
    dataset: Dataset,
) -> Floats:
    """Return the levels after labels ended, bar by bar, and lay below their quantiles or did not."""
    for end in np.unique(ends).tolist():
        own = rows[ends == end]
        own = own[np.isfinite(found[own]).all(axis=1)]
        if len(own):
            # What went to extremes must find its way back.
            below = (dataset.y[own, None] <= found[own]).mean(axis=0)
            moved = np.clip(moved + RATE * (levels - below), 0.0, 1.0)
    return moved


def _at(errors: Floats, levels: Floats, sides: Floats) -> Floats:
    """Return quantiles of sorted errors by rank: the upper ones up, the lower ones down; NaN beyond all of them."""
    n = len(errors)
    exact = np.round((n + 1) * levels, 9)
    rank = np.where(sides >= 0.5, np.ceil(exact), np.floor(exact)).astype(np.int64)
    inside = (rank >= 1) & (rank <= n)
    return np.where(inside, errors[np.clip(rank, 1, n) - 1], math.nan)
