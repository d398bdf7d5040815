"""What a Sharpe ratio is worth: its error, and how many were tried.

Here a Sharpe ratio is one per bar, not annualised, and kurtosis is raw: 3 for normal returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quorate.statistics._base import FEWEST, TINY, finite
from quorate.statistics._boundary import Confidence, Level, Natural, Positive, Real, Values, checked
from quorate.statistics._mean import cosines, long_run
from quorate.statistics._returns import sharpe

LONGEST = 10**12  # bars; no record is longer


class Moments(NamedTuple):
    """What the error of a Sharpe ratio depends on.

    Parameters
    ----------
    per_bar : float
        Sharpe ratio per bar, deviation with ddof 1.
    n : int
        Returns.
    skew, kurtosis : float
        Biased (population) moments; kurtosis is raw.
    """

    per_bar: float
    n: int
    skew: float
    kurtosis: float


@checked
def moments(returns: Values) -> Moments:
    """Return the per-bar Sharpe ratio and the moments that its error depends on; NaN where it is undefined."""
    per_bar = sharpe(returns, 1.0)
    if math.isnan(per_bar):
        return Moments(math.nan, len(returns), math.nan, math.nan)
    centred = returns - returns.mean()
    variance = float(np.mean(centred**2))
    try:
        skew = float(np.mean(centred**3)) / variance**1.5
        return Moments(per_bar, len(returns), finite(skew), finite(float(np.mean(centred**4)) / variance**2))
    except OverflowError:  # of returns beyond 1e100
        return Moments(per_bar, len(returns), math.nan, math.nan)


@dataclass(frozen=True)
class SharpeTest:
    """A Sharpe ratio, and how likely the true one is above a benchmark, of returns that may depend on each other.

    Parameters
    ----------
    per_bar, benchmark : float
        Sharpe ratios per bar: of the returns, and what it is held against.
    deviation : float
        Long-run deviation of its terms: over the root of the number of bars it is the standard error, per bar.
    freedom : int
        Degrees of freedom of the t distribution.
    n : int
        Returns.
    """

    per_bar: float
    benchmark: float
    deviation: float
    freedom: int
    n: int

    @property
    def error(self) -> float:
        """Standard error, per bar."""
        return self.deviation / math.sqrt(self.n) if self.n else math.nan

    @property
    def p_value(self) -> float:
        """Of a true Sharpe ratio at or below the benchmark, one-sided; NaN where it is undefined."""
        return self._beyond(self.n)

    @property
    def probability(self) -> float:
        """How likely the true Sharpe ratio is above the benchmark: PSR, where returns may depend on each other."""
        return 1.0 - self.p_value

    @checked
    def bars(self, confidence: Confidence = 0.95) -> float:
        """Return how many bars it takes to reach a probability, if all else stays as it is.

        The minimum track record length, where returns may depend on each other. NaN unless the Sharpe ratio is above
        the benchmark, and where the bars are too many for a number.
        """
        if not (self.per_bar > self.benchmark and math.isfinite(self.deviation)):
            return math.nan
        enough = 2 * FEWEST
        while self._beyond(enough) > 1 - confidence:
            enough *= 2
            if enough > LONGEST:
                return math.nan
        few = enough // 2
        while enough - few > 1:
            middle = (few + enough) // 2
            few, enough = (middle, enough) if self._beyond(middle) > 1 - confidence else (few, middle)
        return float(enough)

    def _beyond(self, n: int) -> float:
        if not self.deviation >= TINY:
            return math.nan
        from scipy.special import stdtr

        return float(stdtr(max(cosines(n), 1), (self.benchmark - self.per_bar) * math.sqrt(n) / self.deviation))


@checked
def sharpe_test(returns: Values, benchmark: Real = 0.0) -> SharpeTest:
    """Test whether a Sharpe ratio is above a benchmark, both per bar, of returns that may depend on each other.

    By the terms that a Sharpe ratio is made of, ``z - SR (z^2 - 1) / 2`` of standardised returns z, whose mean has the
    error of the ratio itself (Lo 2002; Ledoit and Wolf 2008). Their long-run deviation is that of slow cosines, with a
    t distribution (Lazarus, Lewis, Stock and Watson 2018). Of returns that depend on nothing before them it comes to
    the error of `sharpe_standard_error`: skewness and fat tails are in the terms.

    Returns
    -------
    SharpeTest
        Undefined for fewer than 10 returns, and where they do not vary or are not known.
    """
    per_bar, n = sharpe(returns, 1.0), len(returns)
    if math.isnan(per_bar) or n < FEWEST:
        return SharpeTest(per_bar, benchmark, math.nan, 0, n)
    z = (returns - returns.mean()) / returns.std(ddof=1)
    deviation, freedom = long_run(z - per_bar / 2 * (z**2 - 1))
    return SharpeTest(per_bar, benchmark, finite(deviation), freedom, n)


@checked
def sharpe_interval(returns: Values, bars_per_year: Positive, confidence: Level = 0.90) -> tuple[float, float]:
    """Return a two-sided interval of the annualised Sharpe ratio, by `sharpe_test`; NaN where that is undefined."""
    found = sharpe_test(returns)
    if not found.freedom:
        return math.nan, math.nan
    from scipy.special import stdtrit

    reach = float(stdtrit(found.freedom, 0.5 + confidence / 2)) * found.error
    root = math.sqrt(bars_per_year)
    return (found.per_bar - reach) * root, (found.per_bar + reach) * root


@checked
def sharpe_standard_error(per_bar: Real, n: Natural, skew: Real = 0.0, kurtosis: Real = 3.0) -> float:
    """Return the standard error of a per-bar Sharpe ratio of `n` returns; `kurtosis` is raw (normal: 3)."""
    return math.sqrt(_spread(per_bar, skew, kurtosis) / (n - 1)) if n > 1 else math.nan


def _spread(per_bar: float, skew: float, kurtosis: float) -> float:
    # Never negative, as kurtosis >= 1 + skew^2; for returns of two values it is zero but for rounding.
    try:
        return finite(float(np.maximum(1 - skew * per_bar + (kurtosis - 1) / 4 * per_bar**2, 0.0)))
    except OverflowError:
        return math.nan


@checked
def probabilistic_sharpe(
    per_bar: Real, n: Natural, skew: Real = 0.0, kurtosis: Real = 3.0, benchmark: Real = 0.0
) -> float:
    """Return the probability that the true Sharpe ratio is above `benchmark`, both per bar.

    ``Phi((SR - SR*) / standard error)`` of Bailey and Lopez de Prado (2012); see `sharpe_standard_error`.
    """
    error = sharpe_standard_error(per_bar, n, skew, kurtosis)
    if not error >= TINY:
        return math.nan
    from scipy.special import ndtr

    return float(ndtr((per_bar - benchmark) / error))


@checked
def psr(returns: Values, benchmark: Real = 0.0) -> float:
    """Return `probabilistic_sharpe` of a series of returns: deviation with ddof 1, biased moments.

    NaN for fewer than 10 returns, whose moments and normal distribution say nothing.
    """
    return probabilistic_sharpe(*moments(returns), benchmark=benchmark) if len(returns) >= FEWEST else math.nan


@checked
def min_track_record(
    per_bar: Real, skew: Real = 0.0, kurtosis: Real = 3.0, benchmark: Real = 0.0, confidence: Confidence = 0.95
) -> float:
    """Return how many bars `probabilistic_sharpe` takes to reach `confidence`, if all else stays as it is.

    Bailey and Lopez de Prado (2012). The same test said otherwise, no further evidence. NaN unless the
    Sharpe ratio is above the benchmark, and where the bars are too many for a number.
    """
    if not per_bar > benchmark:
        return math.nan
    from scipy.special import ndtri

    with np.errstate(over="ignore"):
        return finite(1 + _spread(per_bar, skew, kurtosis) * (ndtri(confidence) / (per_bar - benchmark)) ** 2)


@checked
def expected_max(n: Real) -> float:
    """Return about the mean of the largest of `n` independent standard normal numbers; `n` may be a fraction.

    Bailey and Lopez de Prado (2014), who have it from extreme value theory: 7.9 % low at 2, 2.3 % high at
    10, 0.9 % high at 100. Zero for one, NaN for fewer, and from about 1e16 on, where 1 - 1 / n rounds to one.
    """
    if not 1 <= n < math.inf:
        return math.nan
    if n == 1:
        return 0.0
    from scipy.special import ndtri

    about = (1 - np.euler_gamma) * ndtri(1 - 1 / n) + np.euler_gamma * ndtri(1 - 1 / (n * math.e))
    return max(float(about), 0.0) if math.isfinite(about) else math.nan


@checked
def expected_max_exact(n: Natural) -> float:
    """Return the mean of the largest of `n` independent standard normal numbers, by numerical integration.

    NaN for none, and above 1e13, where the rounding of its distribution shows.
    """
    if not 1 <= n <= 1e13:
        return math.nan
    from scipy import integrate, special

    def density(x: float) -> float:
        return x * n * math.exp(-x * x / 2) / math.sqrt(2 * math.pi) * float(special.ndtr(x)) ** (n - 1)

    return float(integrate.quad(density, -12, 12, limit=200)[0])


@checked
def deflated_sharpe(per_bar: Real, n: Natural, skew: Real, kurtosis: Real, n_trials: Real, variance: Real) -> float:
    """Return the probability that the true Sharpe ratio is above the best that trials without skill would show.

    `probabilistic_sharpe` against ``sqrt(variance) * expected_max(n_trials)`` (Bailey and Lopez de Prado
    2014); with one trial, against zero.

    Parameters
    ----------
    per_bar, n, skew, kurtosis
        Of the best trial, as `moments` gives them.
    n_trials : float
        Independent trials; of correlated ones the effective number, see `effective_trials`.
    variance : float
        Of the per-bar Sharpe ratios of the trials; of those without skill it is ``1 / (n - 1)``.

    Returns
    -------
    float
        NaN for less than one trial or a negative variance.
    """
    if not variance >= 0:
        return math.nan
    return probabilistic_sharpe(per_bar, n, skew, kurtosis, math.sqrt(variance) * expected_max(n_trials))


@checked
def min_backtest_length(n_trials: Real, sharpe: Real) -> float:
    """Return the years under which the best of `n_trials` without skill is expected to show that annual Sharpe ratio.

    ``(expected_max(n_trials) / sharpe)^2`` of Bailey, Borwein, Lopez de Prado and Zhu (2014). NaN unless
    the Sharpe ratio is positive, and where the years are too many for a number.
    """
    root = expected_max(n_trials) / sharpe if sharpe > 0 else math.nan
    return root**2 if root < 1e150 else math.nan
