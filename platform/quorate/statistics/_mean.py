"""The mean of values that depend on those before them, and how uncertain it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quorate.statistics._base import FEWEST, TINY, complete
from quorate.statistics._boundary import Confidence, Count, Floats, Values, checked


class LongRun(NamedTuple):
    """What the mean of a series varies by.

    Parameters
    ----------
    deviation : float
        Of the root of n times the mean, about which the values lie.
    freedom : int
        Degrees of freedom of a t distribution with that deviation.
    """

    deviation: float
    freedom: int


def cosines(n: int, h: int = 1) -> int:
    """Return how many slow cosines `long_run` takes of `n` values that overlap by h - 1."""
    return round(min(0.4 * math.pow(n, 2 / 3), n / (2 * h)))


def long_run(values: Floats, h: int = 1) -> LongRun:
    """Return the long-run deviation of a series, by equally weighted cosines (Lazarus, Lewis, Stock and Watson 2018).

    The root of the mean square of the values' products with the slowest cosines. There are so few of them, 0.4 n^(2/3)
    and n / (2 h) at most, that values which depend on each other are alike within the fastest; as many squares of like
    size are the degrees of freedom, which so allow for how uncertain the deviation is itself. What is constant in the
    values has no part in it.

    Parameters
    ----------
    values : ndarray of float64, (n,)
        In time order, at least two.
    h : int
        Bars that each of them spans.
    """
    from scipy.fft import dct

    freedom = max(cosines(len(values), h), 1)
    waves = dct(values, norm="ortho")[1 : freedom + 1]
    return LongRun(math.sqrt(float((waves**2).mean())), freedom)


@dataclass(frozen=True)
class MeanTest:
    """The mean of figures of bars, and whether it is above zero beyond chance.

    Parameters
    ----------
    mean, sd : float
        Of the figures; `sd` with ddof 1.
    t : float
        Mean over its standard error.
    p_value : float
        Two-sided, of a mean of zero.
    low : float
        What the mean is above with 95 % confidence, one-sided.
    positive : float
        Share of the figures above zero.
    n, freedom : int
        Figures, and the degrees of freedom of the t distribution.
    """

    mean: float
    sd: float
    t: float
    p_value: float
    low: float
    positive: float
    n: int
    freedom: int

    @property
    def ir(self) -> float:
        """Mean over deviation, per bar, not annualised; NaN where the figures do not vary."""
        return self.mean / self.sd if self.sd >= TINY else math.nan


@checked
def mean_test(values: Values, h: Count = 1, confidence: Confidence = 0.95) -> MeanTest:
    """Test whether the mean of figures of consecutive bars is zero, whose labels may overlap.

    By a t distribution and the standard error of slow cosines (Lazarus, Lewis, Stock and Watson 2018), of which there
    are so few, 0.4 n^(2/3) and n / (2 h) at most, that labels which overlap are alike within the fastest.

    Parameters
    ----------
    values : ndarray of float64, (n,)
        In time order.
    h : int
        Bars that a label spans.
    confidence : float
        Of `MeanTest.low`.

    Returns
    -------
    MeanTest
        NaN for no values; t, p-value and bound also for fewer than 10, or than four times h, or that do not vary.
    """
    n = len(values)
    if not complete(values):
        return MeanTest(*(math.nan,) * 6, n, 0)
    mean, sd = float(values.mean()), float(np.std(values, ddof=1)) if n > 1 else math.nan
    positive = float((values > 0).mean())
    if n < max(FEWEST, 4 * h) or not sd >= TINY:
        return MeanTest(mean, sd, math.nan, math.nan, math.nan, positive, n, cosines(n, h))
    from scipy.special import stdtr, stdtrit

    deviation, freedom = long_run(values, h)
    error = max(deviation / math.sqrt(n), TINY)
    t = mean / error
    low = mean - float(stdtrit(freedom, confidence)) * error
    return MeanTest(mean, sd, t, 2 * float(stdtr(freedom, -abs(t))), low, positive, n, freedom)
