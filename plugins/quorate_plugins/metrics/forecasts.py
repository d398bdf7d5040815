"""Metrics of forecasts: probabilities of a rise, or expected returns, against what came true.

Of probabilities those above one half forecast a rise; of expected returns those above zero.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import quorate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def accuracy(performance: quorate.Performance) -> float:
    """Return the share of forecasts on the right side: of one half for classes, of zero for returns."""
    if not performance.binary:
        return direction_accuracy(performance)
    return quorate.statistics.accuracy(*_rises(performance))


def direction_accuracy(performance: quorate.Performance) -> float:
    """Return the share of forecasts with the sign of what came true; one half, or zero, is no direction."""
    y, p = performance.labels, performance.predictions
    if performance.binary:
        y, p = 2 * y - 1, 2 * p - 1
    return quorate.statistics.direction_accuracy(y, p)


def precision(performance: quorate.Performance) -> float:
    """Return the share of forecast rises that came true."""
    return quorate.statistics.precision(*_rises(performance))


def recall(performance: quorate.Performance) -> float:
    """Return the share of rises that had been forecast."""
    return quorate.statistics.recall(*_rises(performance))


def mcc(performance: quorate.Performance) -> float:
    """Return the correlation of forecast and actual direction (Matthews 1975)."""
    return quorate.statistics.mcc(*_rises(performance))


def auc(performance: quorate.Performance) -> float:
    """Return the area under the ROC curve; NaN where only one class came true, and for expected returns."""
    return quorate.statistics.auc(performance.labels, performance.predictions) if performance.binary else math.nan


def log_loss(performance: quorate.Performance) -> float:
    """Return the mean negative log likelihood of the labels, probabilities clipped at 1e-15."""
    return quorate.statistics.log_loss(performance.labels, performance.predictions) if performance.binary else math.nan


def brier(performance: quorate.Performance) -> float:
    """Return the mean squared difference between probability and label."""
    return quorate.statistics.brier(performance.labels, performance.predictions) if performance.binary else math.nan


def mse(performance: quorate.Performance) -> float:
    """Return the mean squared error; of probabilities the Brier score."""
    return quorate.statistics.mse(performance.labels, performance.predictions)


def rmse(performance: quorate.Performance) -> float:
    """Return the root of the mean squared error."""
    return quorate.statistics.rmse(performance.labels, performance.predictions)


def mae(performance: quorate.Performance) -> float:
    """Return the mean absolute error."""
    return quorate.statistics.mae(performance.labels, performance.predictions)


def wmape(performance: quorate.Performance) -> float:
    """Return the sum of absolute errors over that of absolute labels; NaN for classes, which have no size."""
    return math.nan if performance.binary else quorate.statistics.wmape(performance.labels, performance.predictions)


def smape(performance: quorate.Performance) -> float:
    """Return the symmetric mean absolute percentage error, 0 to 2; NaN for classes."""
    return math.nan if performance.binary else quorate.statistics.smape(performance.labels, performance.predictions)


def mape(performance: quorate.Performance) -> float:
    """Return the mean absolute percentage error; NaN for classes and where labels come near zero."""
    return math.nan if performance.binary else quorate.statistics.mape(performance.labels, performance.predictions)


def mase(performance: quorate.Performance) -> float:
    """Return the mean absolute error over that of the naive forecast, where there is one."""
    import numpy as np

    y, p, naive = performance.labels, performance.predictions, performance.naive
    if len(naive) != len(y):
        return math.nan
    known = np.isfinite(naive)
    return quorate.statistics.mase(y[known], p[known], (y - naive)[known])


def r2(performance: quorate.Performance) -> float:
    """Return one minus the squared error over the variance of the labels."""
    return quorate.statistics.r2(performance.labels, performance.predictions)


def spearman(performance: quorate.Performance) -> float:
    """Return the rank correlation of all forecasts and labels."""
    return quorate.statistics.spearman(performance.labels, performance.predictions)


def ic(performance: quorate.Performance) -> float:
    """Return the mean rank correlation across symbols; of fewer than three symbols that over the span."""
    return quorate.statistics.ic(performance.labels, performance.predictions, performance.forecast_bar)


def icir(performance: quorate.Performance) -> float:
    """Return mean over deviation of the rank correlations across symbols."""
    return quorate.statistics.icir(performance.labels, performance.predictions, performance.forecast_bar)


def direction_accuracy_price(performance: quorate.Performance) -> float:
    """Return the share of prices forecast on the right side of the last one; NaN where no price can be told."""
    return quorate.statistics.direction_accuracy_price(*_prices(performance))


def pct_mae(performance: quorate.Performance) -> float:
    """Return the mean absolute error of the price over the price."""
    actual, forecast, _ = _prices(performance)
    return quorate.statistics.pct_mae(actual, forecast)


def pct_naive(performance: quorate.Performance) -> float:
    """Return `pct_mae` of the forecast that the price stays what it was last."""
    actual, _, last = _prices(performance)
    return quorate.statistics.pct_mae(actual, last)


def price_mae(performance: quorate.Performance) -> float:
    """Return the mean absolute error of the price; NaN of several symbols, whose prices are of several sizes."""
    actual, forecast, _ = _prices(performance)
    return math.nan if _several(performance) else quorate.statistics.mae(actual, forecast)


def price_rmse(performance: quorate.Performance) -> float:
    """Return the root of the mean squared error of the price; NaN of several symbols, as of `price_mae`."""
    actual, forecast, _ = _prices(performance)
    return math.nan if _several(performance) else quorate.statistics.rmse(actual, forecast)


def _several(performance: quorate.Performance) -> bool:
    """Whether forecasts of one bar are of several symbols."""
    return bool((performance.forecast_bar[1:] == performance.forecast_bar[:-1]).any())


def _prices(performance: quorate.Performance) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the price became, what was forecast, and the one before, (n_forecasts,) each; or nothing."""
    last = performance.entry_price
    n = len(last)
    return last * (1 + performance.labels[:n]), last * (1 + performance.predictions[:n]), last


def _rises(performance: quorate.Performance) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return what rose and what was forecast to, (n_forecasts,) each; nothing, if a forecast is not known."""
    import numpy as np

    y, p = performance.labels, performance.predictions
    level = 0.5 if performance.binary else 0.0
    n = len(y) if np.isfinite(p).all() else 0
    return y[:n] > level, p[:n] > level
