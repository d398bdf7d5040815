"""Tests that compare two forecasts.

They take errors, or labels and forecasts; below zero, or positive, the first of two is better, as each says.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quorate.statistics._base import FEWEST, TINY, complete, known
from quorate.statistics._boundary import Bars, Count, Floats, Positive, Share, Values, checked
from quorate.statistics._mean import mean_test

Dependence = Literal["horizon", "any"]


@dataclass(frozen=True)
class TwoForecasts:
    """What a test of two forecasts found.

    Parameters
    ----------
    statistic : float
        Of `diebold_mariano` negative, of `clark_west` positive where the model is better.
    p_value : float
        Two-sided, of equal accuracy; of `clark_west` NaN, as its hypothesis has one side.
    p_better, p_worse : float
        One-sided: small where the first forecast is better, or worse.
    n, freedom : int
        Differences, one per bar, and the degrees of freedom of the t distribution; 0 where it is the normal one.
    """

    statistic: float
    p_value: float
    p_better: float
    p_worse: float
    n: int
    freedom: int

    @checked
    def verdict(self, size: Share = 0.05) -> str:
        """Return ``better than naive``, ``worse than naive`` or ``no evidence``, one-sided at that size."""
        if self.p_better < size:
            return "better than naive"
        return "worse than naive" if self.p_worse < size else "no evidence"


@checked
def mean_by_bar(values: Values, bar: Bars | None) -> Floats:
    """Return the mean of the values at each bar, by bar; the values themselves if `bar` is None.

    Errors of several symbols at one bar are no independent observations.
    """
    if bar is None:
        return values
    _, group = np.unique(bar, return_inverse=True)
    means: Floats = np.bincount(group, known(values)) / np.bincount(group)
    return means


@checked
def diebold_mariano(
    errors: Values,
    naive_errors: Values,
    h: Count = 1,
    power: Positive = 2.0,
    bar: Bars | None = None,
    dependence: Dependence = "horizon",
) -> TwoForecasts:
    """Test equal accuracy of a forecast and a naive one (Diebold and Mariano 1995).

    The loss is ``|error| ** power``, the difference ``loss - naive loss``: below zero the first is better. Too small
    where the naive forecast is nested in the model: see `clark_west`.

    Parameters
    ----------
    errors, naive_errors : ndarray of float64, (n_forecasts,)
        In time order.
    h : int
        Bars that a label spans; labels of consecutive bars overlap by h - 1.
    power : float
        2: squared, 1: absolute error.
    bar : ndarray of int64, (n_forecasts,), optional
        Position of each forecast's bar: losses are averaged by bar first.
    dependence : {"horizon", "any"}
        What the variance allows for. ``horizon``, as published: that labels overlap, by Bartlett weights up to lag
        h - 1, corrected for small samples by Harvey, Leybourne and Newbold (1997), with n - 1 degrees of freedom.
        Losses that come in calm and in wild times, and half of what labels that overlap share, escape it. ``any``:
        that the differences depend on each other in any way, as in `mean_test`.

    Returns
    -------
    TwoForecasts
        Statistic 0 and p-value 1 where all losses are equal; NaN where they always differ by the same, or for
        fewer than h + 1 bars; for ``any`` fewer than 10 or four times h.
    """
    if not complete(errors, naive_errors):
        return _unknown(len(errors))
    losses, naive = (mean_by_bar(np.abs(e) ** power, bar) for e in (errors, naive_errors))
    difference = losses - naive
    n, rounding = len(difference), TINY * max(float(np.abs(losses).max()), TINY)
    if n < h + 1:
        return _unknown(n)
    if float(np.abs(difference).max()) < rounding:
        return TwoForecasts(0.0, 1.0, 0.5, 0.5, n, n - 1)
    if float(np.std(difference)) < rounding:
        return _unknown(n)
    if dependence == "any":
        found = mean_test(difference, h)
        p_better, p_worse = _sides(-found.t, found.freedom)
        return TwoForecasts(found.t, found.p_value, p_better, p_worse, n, found.freedom)
    from statsmodels.tsa.stattools import diebold_mariano_test

    published = diebold_mariano_test(
        np.zeros(n), losses, naive, criterion=lambda _, loss: loss, lags=h - 1, harvey_adj=True, horizon=h
    )
    statistic = float(published.statistic)
    p_better, p_worse = _sides(-statistic, n - 1)
    return TwoForecasts(statistic, float(published.pvalue), p_better, p_worse, n, n - 1)


@checked
def clark_west(
    labels: Values,
    naive: Values,
    predictions: Values,
    h: Count = 1,
    bar: Bars | None = None,
    dependence: Dependence = "horizon",
) -> TwoForecasts:
    """Test whether a model adds to a naive forecast that is nested in it (Clark and West 2007).

    ``f = e1^2 - (e2^2 - (f1 - f2)^2)``, with the naive forecast f1 and its error e1: the noise that a
    useless model adds to its squared error is given back. As published, the mean of f over its standard error
    (Bartlett weights up to lag h - 1) is compared with the normal distribution.

    Parameters
    ----------
    labels, naive, predictions : ndarray of float64, (n_forecasts,)
        In time order.
    h, bar, dependence
        As for `diebold_mariano`.

    Returns
    -------
    TwoForecasts
        Positive where the model is better; NaN where the forecasts do not differ, or for fewer than 10 bars or
        h + 1.
    """
    if not complete(labels, naive, predictions):
        return _unknown(len(labels))
    f = mean_by_bar((labels - naive) ** 2 - ((labels - predictions) ** 2 - (naive - predictions) ** 2), bar)
    return _above_zero(f, h, dependence)


@checked
def forecast_covariance(
    labels: Values,
    naive: Values,
    predictions: Values,
    h: Count = 1,
    bar: Bars | None = None,
    dependence: Dependence = "horizon",
) -> TwoForecasts:
    """Test whether forecasts move with what the naive forecast missed: ``cov(labels - naive, predictions) > 0``.

    `clark_west` takes a model for one that contains the naive forecast. One that is right about the mean without
    having had to learn it, as 1/2 is of a coin's, is better than any mean of the past and yet knows nothing:
    here a constant has no covariance at all, and noise about it none but by chance.

    Parameters
    ----------
    labels, naive, predictions, h, bar, dependence
        As for `clark_west`.

    Returns
    -------
    TwoForecasts
        Positive where the forecasts tell something; NaN where they do not vary, or for fewer bars than there.
    """
    if not complete(labels, naive, predictions):
        return _unknown(len(labels))
    missed, told = labels - naive, predictions - predictions.mean()
    if float(np.abs(told).max()) < TINY:
        return _unknown(len(labels))
    return _above_zero(mean_by_bar((missed - missed.mean()) * told, bar), h, dependence)


def _above_zero(f: Floats, h: int, dependence: str) -> TwoForecasts:
    """Return how far the mean of `f` is from zero, by its standard error."""
    n = len(f)
    if n < max(h + 1, FEWEST) or float(np.std(f)) < TINY * max(float(np.abs(f).max()), TINY):
        return _unknown(n)
    if dependence == "any":
        found = mean_test(f, h)
        p_better, p_worse = _sides(found.t, found.freedom)
        return TwoForecasts(found.t, math.nan, p_better, p_worse, n, found.freedom)
    from scipy.special import ndtr
    from statsmodels.regression.linear_model import OLS

    fitted = OLS(f, np.ones(n)).fit(cov_type="HAC", cov_kwds={"maxlags": h - 1})
    statistic = float(fitted.tvalues[0])
    return TwoForecasts(statistic, math.nan, float(ndtr(-statistic)), float(ndtr(statistic)), n, 0)


def _sides(t: float, freedom: int) -> tuple[float, float]:
    """Return the p-values of a mean above, and of one below zero."""
    from scipy.special import stdtr

    return float(stdtr(freedom, -t)), float(stdtr(freedom, t))


def _unknown(n: int) -> TwoForecasts:
    return TwoForecasts(math.nan, math.nan, math.nan, math.nan, n, 0)
