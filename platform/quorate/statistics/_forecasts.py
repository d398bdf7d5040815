"""Figures of forecasts against what came true; all arrays are (n_forecasts,), and all are NaN without forecasts.

`labels` and `predictions` of classes are 0 or 1 and the probability of 1; of returns, what was earned and
what was expected. Those of directions take two arrays of booleans, or of 0 and 1: what came true, and what was
forecast.
"""

from __future__ import annotations

import math

import numpy as np

from quorate.statistics._base import TINY, complete
from quorate.statistics._boundary import Flags, Floats, MaybeBars, Others, Positions, Values, checked
from quorate.statistics._resampling import remembered

LEAST = 0.01  # of the mean absolute label; below it a percentage of the label says nothing


@checked
def log_loss(labels: Flags, predictions: Values) -> float:
    """Return the mean negative log likelihood of classes, in nats, probabilities clipped at 1e-15.

    At most 34.54 for a forecast. NaN for what is no probability.
    """
    return cross_entropy(labels, predictions)


def cross_entropy(labels: Floats, predictions: Floats) -> float:
    """Return what `log_loss` does, also of labels that are themselves probabilities, or means of labels."""
    if not complete(labels, predictions) or predictions.min() < 0 or predictions.max() > 1:
        return math.nan
    p = np.clip(predictions, 1e-15, 1 - 1e-15)
    return float(-np.mean(labels * np.log(p) + (1 - labels) * np.log1p(-p)))


@checked
def brier(labels: Flags, predictions: Values) -> float:
    """Return the mean squared difference between probability and class (Brier 1950)."""
    return mse(labels, predictions)


@checked
def auc(labels: Flags, predictions: Values) -> float:
    """Return the area under the ROC curve: how often a 1 is ranked above a 0, ties as half.

    The statistic of Mann and Whitney (1947) over the number of pairs. NaN where only one class came true.
    """
    positive = int((labels == 1).sum())
    negative = len(labels) - positive
    if not complete(labels, predictions) or positive == 0 or negative == 0:
        return math.nan
    from scipy.stats import rankdata

    ranks = rankdata(predictions)
    return float((ranks[labels == 1].sum() - positive * (positive + 1) / 2) / (positive * negative))


@checked
def accuracy(actual: Flags, forecast: Flags) -> float:
    """Return the share of forecasts that came true."""
    return float(np.mean(actual == forecast)) if complete(actual, forecast) else math.nan


@checked
def precision(actual: Flags, forecast: Flags) -> float:
    """Return the share of forecast rises that came true. NaN where none was forecast."""
    return _share(actual, forecast)


@checked
def recall(actual: Flags, forecast: Flags) -> float:
    """Return the share of rises that had been forecast. NaN where there was none."""
    return _share(forecast, actual)


def _share(flags: Floats, among: Floats) -> float:
    return float(flags[among == 1].mean()) if complete(flags, among) and among.any() else math.nan


@checked
def mcc(actual: Flags, forecast: Flags) -> float:
    """Return the correlation of forecast and actual classes (Matthews 1975). NaN where either is always the same."""
    return _correlation(actual, forecast) if complete(actual, forecast) else math.nan


@checked
def mse(labels: Values, predictions: Values) -> float:
    """Return the mean squared error."""
    return float(np.mean((labels - predictions) ** 2)) if complete(labels, predictions) else math.nan


@checked
def rmse(labels: Values, predictions: Values) -> float:
    """Return the root of the mean squared error, in the unit of the labels."""
    return math.sqrt(mse(labels, predictions))


@checked
def mae(labels: Values, predictions: Values) -> float:
    """Return the mean absolute error, in the unit of the labels."""
    return float(np.mean(np.abs(labels - predictions))) if complete(labels, predictions) else math.nan


@checked
def wmape(labels: Values, predictions: Values) -> float:
    """Return the sum of absolute errors over that of absolute labels; 1 for a forecast of zero throughout.

    Unlike `mape` it is defined for returns (Kolassa and Schuetz 2007). NaN where all labels are zero.
    """
    size = mae(labels, np.zeros(len(labels)))
    return mae(labels, predictions) / size if size >= TINY else math.nan


@checked
def smape(labels: Values, predictions: Values) -> float:
    """Return the mean of the absolute error over the mean size of label and forecast, 0 to 2.

    Makridakis (1993). Where both are zero the error is zero. A forecast of the wrong sign has 2 whatever
    its size, so for returns it is little more than the share of wrong directions.
    """
    if not complete(labels, predictions):
        return math.nan
    size = (np.abs(labels) + np.abs(predictions)) / 2
    return float(np.mean(np.abs(labels - predictions) / np.where(size > 0, size, 1.0)))


@checked
def mape(labels: Values, predictions: Values) -> float:
    """Return the mean of absolute errors over absolute labels.

    NaN where labels have both signs, or one is below a hundredth of their mean size: each error is divided
    by its own label, so a few labels near zero make up all of the figure, without a bound. For returns that
    is the rule, and `wmape` or `mase` is the figure to use.
    """
    if not complete(labels, predictions):
        return math.nan
    size = np.abs(labels)
    if (labels.min() < 0 < labels.max()) or size.min() < max(LEAST * float(size.mean()), TINY):
        return math.nan
    return float(np.mean(np.abs(labels - predictions) / size))


@checked
def mase(labels: Values, predictions: Values, naive_errors: Others) -> float:
    """Return the mean absolute error over that of a naive forecast; below 1 the model is better.

    After Hyndman and Koehler (2006), who scale by the naive errors in sample; here `naive_errors` (any
    number of them) are out of sample, so that both sides had the same to forecast. NaN where the naive
    forecast makes no error.
    """
    size = float(np.mean(np.abs(naive_errors))) if complete(naive_errors) else math.nan
    return mae(labels, predictions) / size if size >= TINY else math.nan


@checked
def r2(labels: Values, predictions: Values) -> float:
    """Return one minus the squared error over that of the labels' own mean; negative where it is worse.

    The mean is that of the labels judged, which no forecast could know. NaN where they do not vary.
    """
    if not complete(labels, predictions) or float(np.std(labels)) < TINY:
        return math.nan
    return 1 - mse(labels, predictions) / float(np.var(labels))


@checked
def direction_accuracy(labels: Values, predictions: Values) -> float:
    """Return the share of forecasts with the sign of the label; zero is a sign of its own."""
    return float(np.mean(np.sign(labels) == np.sign(predictions))) if complete(labels, predictions) else math.nan


@checked
def direction_accuracy_price(prices: Values, forecasts: Values, last: Values) -> float:
    """Return the share of forecasts of a price on the side of the last known price on which it came.

    The mean of 1[sign(y_i - y_(i-1)) = sign(yhat_i - y_(i-1))], with the actual last price on both sides: the
    forecast that nothing changes is right only where nothing changed.

    Parameters
    ----------
    prices, forecasts, last : ndarray of float64, (n_forecasts,)
        What came, what was forecast, and the price before.
    """
    if not complete(prices, forecasts) or not complete(last):
        return math.nan
    return direction_accuracy(prices - last, forecasts - last)


@checked
def pct_mae(prices: Values, forecasts: Values) -> float:
    """Return the mean of absolute errors over prices, as a fraction; NaN where a price is not positive."""
    if not complete(prices, forecasts) or prices.min() <= 0:
        return math.nan
    return float(np.mean(np.abs(prices - forecasts) / prices))


@checked
def spearman(labels: Values, predictions: Values) -> float:
    """Return the rank correlation of forecasts and labels, ties sharing a rank (Spearman 1904).

    NaN where either does not vary.
    """
    if not complete(labels, predictions, least=2):
        return math.nan
    from scipy.stats import rankdata

    return _correlation(rankdata(labels), rankdata(predictions))


@checked
def information_coefficients(labels: Values, predictions: Values, bar: MaybeBars) -> Floats:
    """Return the rank correlation across symbols at each bar with at least three forecasts, (n_such_bars,).

    Parameters
    ----------
    bar : ndarray of int64, (n_forecasts,)
        Position of each forecast's bar; in any order. Empty where it is not known.

    Returns
    -------
    ndarray of float64
        By bar; one at which forecasts or labels are all alike is left out.
    """
    return by_bar(labels, predictions, bar)[2].copy()


@remembered
def by_bar(labels: Floats, predictions: Floats, bar: Positions) -> tuple[Positions, Positions, Floats]:
    """Return the bars of `information_coefficients`, how many forecasts each has, and its coefficient; read-only."""
    none = np.empty(0, dtype=np.int64)
    if not complete(labels, predictions) or not len(bar):
        return none, none, np.empty(0)
    bars, group = np.unique(bar, return_inverse=True)
    count = np.bincount(group)
    if count.max() < 3:
        return none, none, np.empty(0)
    x, y = (_centred_ranks(values, group, count) for values in (predictions, labels))
    xy, xx, yy = (np.bincount(group, product) for product in (x * y, x * x, y * y))
    usable = (count >= 3) & (xx > 0) & (yy > 0)
    found = bars[usable], count[usable], xy[usable] / np.sqrt(xx[usable] * yy[usable])
    for array in found:
        array.flags.writeable = False
    return found


@checked
def ic(labels: Values, predictions: Values, bar: MaybeBars) -> float:
    """Return the information coefficient: the mean of `information_coefficients`.

    Of fewer than three symbols there is no cross-section: then `spearman` over the whole span (Grinold
    and Kahn 2000).
    """
    coefficients = information_coefficients(labels, predictions, bar)
    return float(coefficients.mean()) if len(coefficients) else spearman(labels, predictions)


@checked
def icir(labels: Values, predictions: Values, bar: MaybeBars) -> float:
    """Return mean over deviation (ddof 1) of `information_coefficients`, per bar, not annualised.

    NaN for fewer than two bars with a cross-section.
    """
    coefficients = information_coefficients(labels, predictions, bar)
    if len(coefficients) < 2 or float(np.std(coefficients, ddof=1)) < TINY:
        return math.nan
    return float(coefficients.mean() / np.std(coefficients, ddof=1))


def _centred_ranks(values: Floats, group: Positions, count: Positions) -> Floats:
    """Return each value's rank within its group, ties sharing it, less the mean rank of the group."""
    import pandas as pd

    ranks: Floats = pd.Series(values).groupby(group).rank().to_numpy() - (count[group] + 1) / 2
    return ranks


def _correlation(x: Floats, y: Floats) -> float:
    if not len(x) or float(np.std(x)) < TINY or float(np.std(y)) < TINY:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])
