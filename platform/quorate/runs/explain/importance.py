"""The arithmetic of an explanation: what shuffled features cost, and whether that is more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from quorate import statistics
from quorate.statistics import Floats
from quorate.statistics._forecasts import cross_entropy


@dataclass(frozen=True, eq=False)
class Answers:
    """What one member, or the ensemble, predicted on a fold's sampled rows.

    Parameters
    ----------
    labels, predictions : ndarray of float64, (n_rows,)
        Out-of-fold.
    shuffled : ndarray of float64, (n_units, n_repeats, n_rows)
        Predictions with a unit's features shuffled among these rows.
    contributions : ndarray of float64, (n_rows, n_features), optional
        What each feature added to the raw score.
    """

    labels: Floats
    predictions: Floats
    shuffled: Floats
    contributions: Floats | None = None


def rises(answers: Answers, binary: bool) -> tuple[Floats, Floats]:
    """Return what shuffling each unit adds to the loss, and how much of it labels in any order would show.

    The loss is log loss for classes, else the mean squared error; its rise is the permutation importance of
    Breiman (2001) as Fisher, Rudin and Dominici (2019) define it for any model, averaged over the repeats.

    Shuffled features may also drive a model where it has never been, so that the loss rises whatever the
    labels are (Hooker, Mentch and Zhou, 2021). Both losses depend on a label linearly, but for a term without
    predictions: so the mean rise over all orders of the labels is that with every label replaced by their mean.

    Returns
    -------
    rise, chance : ndarray of float64, (n_units,)
        In the unit of the loss. Exactly 0 for a unit that changes no prediction.
    """
    loss = cross_entropy if binary else statistics.mse
    mean = np.full(len(answers.labels), answers.labels.mean())
    found = []
    for labels in (answers.labels, mean):
        before = loss(labels, answers.predictions)
        found.append([np.mean([loss(labels, p) - before for p in unit]) for unit in answers.shuffled])
    return np.array(found[0]), np.array(found[1])


def t_values(excess: Floats) -> tuple[Floats, Floats]:
    """Return the t statistic of each column's mean over folds, and its one-sided p-value (Student, 1908).

    Parameters
    ----------
    excess : ndarray of float64, (n_folds, n_units)
        Rise less chance. Where it is the same on all folds, or there is one fold, both are NaN.
    """
    from scipy.stats import t as student

    n = len(excess)
    if n < 2:
        nothing = np.full(excess.shape[1], math.nan)
        return nothing, nothing
    sd = excess.std(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(sd > 0, excess.mean(axis=0) / (sd / math.sqrt(n)), math.nan)
    return t, np.asarray(student.sf(t, n - 1), dtype=np.float64)


def holm(p: Floats) -> Floats:
    """Return p-values adjusted for there being several (Holm, 1979); NaN stays and does not count."""
    adjusted = np.full(len(p), math.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return adjusted


def rank_agreement(values: Floats) -> float:
    """Return the mean rank correlation (Spearman, 1904) of all pairs of rows, ties sharing their mean rank.

    NaN with fewer than two rows whose columns differ: a row that ranks nothing is left out.

    Parameters
    ----------
    values : ndarray of float64, (n_folds, n_units)
    """
    from scipy.stats import rankdata

    ranked = rankdata(values, axis=1)
    ranked = ranked[np.ptp(ranked, axis=1) > 0] if ranked.shape[1] else ranked[:0]
    if len(ranked) < 2:
        return math.nan
    correlations: Floats = np.corrcoef(ranked)  # type: ignore[assignment]
    return float(correlations[np.triu_indices(len(ranked), 1)].mean())
