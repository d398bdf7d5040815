"""What a network's numbers say, and what progress is measured by on the rows that are held back."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quorate import statistics
from quorate_plugins.deep.losses import mean_and_deviation, quantiles
from quorate_plugins.deep.settings import Training


def forecasts(settings: Training, raw: Tensor) -> Tensor:
    """Return what the numbers of a network say, (n, n_numbers, outputs).

    Of a class its probability; of a number the forecast, its quantiles, or its mean and standard deviation, in standard
    deviations of the label; with ``neg_sharpe`` a position from -1 to 1.
    """
    if settings.loss == "bce":
        return torch.sigmoid(raw)[..., None]
    if settings.loss == "pinball":
        return quantiles(raw, len(settings.quantiles))
    if settings.loss == "gaussian":
        return torch.stack(mean_and_deviation(raw), -1)
    return (torch.tanh(raw) if settings.loss == "neg_sharpe" else raw)[..., None]


def point_of(settings: Training) -> int:
    """Return which output is the point forecast: of quantiles that nearest to the median."""
    if settings.loss != "pinball":
        return 0
    return int(np.abs(np.array(settings.quantiles) - 0.5).argmin())


def score_of(settings: Training, raw: Tensor, y: NDArray[np.float32], loss: float) -> float:
    """Return what the settings stop on; NaN where it is not defined.

    Parameters
    ----------
    raw : Tensor, (n, n_outputs)
        What the network gives.
    y : ndarray, (n, n_numbers)
        Labels; of several numbers the first counts.
    """
    if settings.stop_on == "val_loss":
        return loss
    first = forecasts(settings, raw)[:, 0, point_of(settings)].cpu().numpy().astype(np.float64)
    if not np.isfinite(first).all():
        return math.nan
    if settings.stop_on == "auc":
        return statistics.auc(y[:, 0] > 0.5, first)
    level = 0.5 if settings.loss == "bce" else 0.0
    return float(np.mean((first > level) == (y[:, 0] > level)))
