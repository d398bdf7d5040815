"""What a fit's predictions cost: the loss by which trials are compared."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import shorten

import numpy as np
from numpy.typing import NDArray

from quorate.dataset.folds import Fold
from quorate.dataset.rows import Dataset
from quorate.execution.task import FitResult
from quorate.statistics import Floats
from quorate.sweeps.racing import BLOCK, block_sums
from quorate.sweeps.trial import FoldLoss

CLIP = 1e-15
LONGEST = 300  # letters of a reason that are kept


def row_losses(labels: Floats, predictions: Floats, binary: bool) -> Floats:
    """Return the loss of each forecast: the log loss of a class in nats, the squared error of a return.

    NaN where the label is not known. Probabilities are clipped at 1e-15, as in `quorate.statistics.log_loss`.
    """
    if not binary:
        return (labels - predictions) ** 2
    p = np.clip(predictions, CLIP, 1 - CLIP)
    return -(labels * np.log(p) + (1 - labels) * np.log1p(-p))


def fold_loss(result: FitResult, dataset: Dataset, fold: Fold, binary: bool, horizon: int) -> FoldLoss:
    """Return what a fit cost on its fold."""
    if result.error:
        return FoldLoss(seconds=result.cpu_seconds, error=shorten(result.error, LONGEST))
    return loss_of(result.predictions, result.cpu_seconds, dataset, fold, binary, horizon)


def loss_of(predictions: Floats, seconds: float, dataset: Dataset, fold: Fold, binary: bool, horizon: int) -> FoldLoss:
    """Return what predictions of a fold's rows cost; blocks are at least as long as a label."""
    losses = row_losses(dataset.y[fold.test], predictions, binary)
    known = np.isfinite(dataset.y[fold.test])
    if not np.isfinite(losses[known]).all():
        return FoldLoss(seconds=seconds, error="a prediction is not finite")
    blocks = block_sums(losses[known], dataset.bar[fold.test][known], fold.first, fold.stop, max(BLOCK, horizon))
    return FoldLoss(float(losses[known].sum()), int(known.sum()), tuple(blocks.tolist()), seconds)


def constant(dataset: Dataset, fold: Fold) -> Floats:
    """Return the forecast that knows nothing: the mean label of the training rows, for every row of the fold."""
    return np.full(len(fold.test), float(dataset.y[fold.train].mean()))


def of_folds(
    dataset: Dataset, folds: Sequence[Fold], predictions: Floats, binary: bool, horizon: int
) -> tuple[Floats, float, int]:
    """Return the losses of predictions by blocks of bars, and their sum over rows and number of rows.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows,)
        NaN where there is none.
    """
    losses = row_losses(dataset.y, predictions, binary)
    first, stop = folds[0].first, folds[-1].stop
    known: NDArray[np.bool_] = np.isfinite(losses) & (dataset.bar >= first) & (dataset.bar < stop)
    blocks = block_sums(losses[known], dataset.bar[known], first, stop, max(BLOCK, horizon))
    return blocks, float(losses[known].sum()), int(known.sum())
