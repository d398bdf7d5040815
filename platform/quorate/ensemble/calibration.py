"""Calibration of members: predictions of different scales brought to one, learnt from past rows only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from quorate.ensemble.within import WITHIN
from quorate.statistics import Floats

Map = Callable[[Floats], Floats]
Calibration = Literal["none", "isotonic", "platt", "z-score", "bar-rank", "bar-z-score"]
LEAST_ROWS = 100
_C = 1e4  # a penalty that is felt only where labels are separated, or predictions all the same
_EDGE = 1e-6  # the log-odds of a certain prediction are those of this much doubt


def fit_calibration(method: Calibration, predictions: Floats, labels: Floats, binary: bool) -> Map:
    """Learn from known rows how to map each member's predictions.

    What it is applied to must lie later, or be the known rows themselves: an ensembler then judges the members
    on rows that the maps were fitted to, which flatters ``isotonic`` most.

    Parameters
    ----------
    method : {"none", "isotonic", "platt", "z-score", "bar-rank", "bar-z-score"}
        ``isotonic``: a non-decreasing step function of the prediction (Zadrozny and Elkan 2002). ``platt``: for
        a binary label a logistic function of the prediction's log-odds (Platt 1999), otherwise a straight line.
        ``z-score``: every member gets the mean and the deviation that the members have on average; no label
        is read. Those of the bar are there already, see `quorate.ensemble.within`.
    predictions : ndarray of float64, (n_rows, n_members)
        Known rows.
    labels : ndarray of float64, (n_rows,)
        What came true.
    binary : bool
        Predictions are probabilities; mapped ones are clipped to 0..1.

    Returns
    -------
    callable
        From predictions (n, n_members) to mapped ones of the same shape, row by row. With fewer than 100 known
        rows, or labels that are all the same, predictions stay as they are.
    """
    if method in ("none", *WITHIN) or len(labels) < LEAST_ROWS or (labels == labels[0]).all():
        return lambda rows: rows
    if method == "z-score":
        maps = _z_scores(predictions)
    else:
        fit = {"isotonic": _isotonic, "platt": _platt if binary else _line}[method]
        maps = [fit(column, labels) for column in predictions.T]

    def mapped(rows: Floats) -> Floats:
        out = np.column_stack([one(column) for one, column in zip(maps, rows.T, strict=True)])
        return np.clip(out, 0.0, 1.0) if binary else out

    return mapped


def _isotonic(predictions: Floats, labels: Floats) -> Map:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip").fit(predictions, labels)
    return lambda values: np.asarray(model.predict(values), dtype=np.float64)


def _platt(predictions: Floats, labels: Floats) -> Map:
    from scipy.special import expit
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_C, solver="newton-cholesky").fit(_log_odds(predictions)[:, None], labels)
    slope, constant = float(model.coef_[0, 0]), float(model.intercept_[0])
    return lambda values: np.asarray(expit(slope * _log_odds(values) + constant), dtype=np.float64)


def _line(predictions: Floats, labels: Floats) -> Map:
    mean = float(predictions.mean())
    centred = predictions - mean
    spread = float(centred @ centred)
    # Without variation there is no slope; the best constant is the labels' mean.
    slope = float(centred @ labels) / spread if _varies(predictions) else 0.0
    constant = float(labels.mean())
    return lambda values: constant + slope * (values - mean)


def _z_scores(predictions: Floats) -> list[Map]:
    means, deviations = predictions.mean(axis=0), predictions.std(axis=0)
    centre, width = float(means.mean()), float(deviations.mean())

    def of(j: int) -> Map:
        mean = float(means[j])
        scale = width / float(deviations[j]) if _varies(predictions[:, j]) else 1.0
        return lambda values: centre + scale * (values - mean)

    return [of(j) for j in range(predictions.shape[1])]


def _log_odds(values: Floats) -> Floats:
    p = np.clip(values, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float64)


def _varies(values: Floats) -> bool:
    return float(np.std(values)) > 1e-9 * max(float(np.abs(values).max()), 1e-300)
