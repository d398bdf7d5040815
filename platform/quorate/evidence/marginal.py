"""What one more member adds to an ensemble: whether its forecasts become better beyond chance, and what follows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.errors import plural
from quorate.statistics import Floats, TwoForecasts
from quorate.statistics._base import FEWEST

SIZE = 0.05  # of the tests on all recipes together, two-sided
BOUND = 0.001  # of the loss: a change that is surely smaller is none
ALIKE = 0.95  # correlation of two forecasts that tell the same
POWER = 0.80  # with which further forecasts are to tell
SET_SIZE = 0.10  # of the model confidence set

Answer = Literal["JOIN", "REDUNDANT", "HARMFUL", "TOO EARLY"]


@dataclass(frozen=True)
class Change:
    """How far two mean losses are apart, as a share of the second.

    Parameters
    ----------
    change, low, high : float
        And its interval, by the variance of the test; NaN where it is not known.
    error : float
        Standard error of the mean difference, in units of the loss.
    """

    change: float
    low: float
    high: float
    error: float


def change_of(one: Floats, other: Floats, test: TwoForecasts, size: float = SIZE) -> Change:
    """Return how far the losses of two are apart; `test` is that of Diebold and Mariano, `size` two-sided."""
    from scipy.special import stdtrit

    level, mean, dm = float(other.mean()), float((one - other).mean()), test.statistic
    scale = level if level > 0 else math.nan
    if dm == 0:  # all losses are equal
        return Change(0.0, 0.0, 0.0, math.nan)
    error = abs(mean / dm) if math.isfinite(dm) else math.nan
    reach = float(stdtrit(test.freedom, 1 - size / 2)) * error if test.freedom else math.nan
    return Change(mean / scale, (mean - reach) / scale, (mean + reach) / scale, error)


@dataclass(frozen=True)
class Marginal:
    """What a member adds on one market.

    Parameters
    ----------
    n, freedom : int
        Bars whose forecasts are compared, and degrees of freedom of the test.
    without, joined, alone : float
        Mean losses of the ensemble without and with the member, and of the member.
    change, low, high : float
        Of the ensemble's loss, as a share of it; below zero the member helps. The interval is of ``1 - size``.
    p_better, p_worse : float
        One-sided, of the ensemble's loss, by Diebold and Mariano with any dependence.
    p_knows : float
        That the member's forecasts do not move with what the ensemble missed. An ensemble may forecast better for
        having been drawn towards its mean, which any constant does.
    p_poorer : float
        One-sided, that the mean net return does not fall.
    alike : mapping of str to float
        Correlation of the member's forecasts with those of each other member, and of the ensemble without it (``""``).
    in_set : (bool, bool, bool)
        Whether the ensemble with the member, the one without it and the member are in the model confidence set, of
        90 %.
    others_in_set : mapping of str to bool
        The same of each other member.
    size : float
        Of the tests, two-sided.
    more : int
        How many bars more it would take to tell; 0 where it can be told.
    """

    n: int
    freedom: int
    without: float
    joined: float
    alone: float
    change: float
    low: float
    high: float
    p_better: float
    p_worse: float
    p_knows: float
    p_poorer: float
    alike: Mapping[str, float]
    in_set: tuple[bool, bool, bool]
    others_in_set: Mapping[str, bool]
    size: float
    more: int = 0

    @property
    def tested(self) -> bool:
        """Whether there are forecasts enough for a test."""
        return math.isfinite(self.p_better) and math.isfinite(self.low)

    @property
    def better(self) -> bool:
        """Whether the ensemble's loss falls beyond chance."""
        return self.p_better < self.size / 2

    @property
    def knows(self) -> bool:
        """Whether the member tells something that the ensemble missed."""
        return self.p_knows < self.size

    @property
    def worse(self) -> bool:
        """Whether the ensemble's loss rises beyond chance."""
        return self.p_worse < self.size / 2

    @property
    def poorer(self) -> bool:
        """Whether it earns less beyond chance."""
        return self.p_poorer < self.size / 2

    @property
    def closest(self) -> tuple[str, float]:
        """Which forecasts are most like the member's, and their correlation."""
        known = {name: value for name, value in self.alike.items() if math.isfinite(value)}
        return max(known.items(), key=lambda one: one[1], default=("", math.nan))

    @property
    def equal(self) -> bool:
        """Whether a change of the loss is surely smaller than `BOUND`."""
        return self.low >= -BOUND and self.high <= BOUND

    @property
    def verdict(self) -> Answer:
        """What this market alone says."""
        if self.worse or self.poorer:
            return "HARMFUL"
        if not self.tested:
            return "TOO EARLY"
        if self.better:
            return "JOIN" if self.knows else "REDUNDANT"
        return "REDUNDANT" if self.equal or self.closest[1] >= ALIKE else "TOO EARLY"


def compare_forecasts(
    y: Floats,
    without: Floats,
    joined: Floats,
    member: Floats,
    others: Mapping[str, Floats],
    bar: NDArray[np.int64],
    difference: Floats,
    h: int = 1,
    size: float = SIZE,
    seed: int = 0,
    draws: int = 2000,
) -> Marginal:
    """Hold an ensemble with a member against the one without it.

    The loss is the squared error, of classes that of the probability: Brier's score; symbols of one bar are averaged.

    Parameters
    ----------
    y : ndarray of float64, (n_forecasts,)
        What came true.
    without, joined, member : ndarray of float64, (n_forecasts,)
        Forecasts of the ensemble without and with the member, and of the member, all known.
    others : mapping of str to ndarray of float64, (n_forecasts,)
        Those of the other members; one with gaps has no part in the model confidence set.
    bar : ndarray of int64, (n_forecasts,)
        Position of each forecast's bar, ascending.
    difference : ndarray of float64, (n_bars - 1,)
        Net return with the member less that without it.
    h : int
        Bars that a label spans.
    size : float
        Of the tests, two-sided.
    seed, draws : int
        Of the resampling.
    """
    whole = {name: values for name, values in others.items() if np.isfinite(values).all()}
    every = [statistics.mean_by_bar((y - values) ** 2, bar) for values in (joined, without, member, *whole.values())]
    test = statistics.diebold_mariano(y - joined, y - without, h, bar=bar, dependence="any")
    found = change_of(every[0], every[1], test, size)
    knows = statistics.forecast_covariance(y, without, member, h, bar=bar, dependence="any")
    best = statistics.mcs(np.column_stack(every), seed, draws).included(SET_SIZE)
    made = Marginal(
        n=test.n,
        freedom=test.freedom,
        without=float(every[1].mean()),
        joined=float(every[0].mean()),
        alone=float(every[2].mean()),
        change=found.change,
        low=found.low,
        high=found.high,
        p_better=test.p_better,
        p_worse=test.p_worse,
        p_knows=knows.p_better,
        p_poorer=p_below(difference),
        alike={name: correlation(member, values) for name, values in {**others, "": without}.items()},
        in_set=(0 in best, 1 in best, 2 in best),
        others_in_set={name: place in best for place, name in enumerate(whole, 3)},
        size=size,
    )
    if made.verdict != "TOO EARLY":
        return made
    least = max(FEWEST, 4 * h)
    more = further(made) if made.tested else max(least - made.n, 1)
    return Marginal(**{**vars(made), "more": more})


def p_below(values: Floats) -> float:
    """Return how likely a mean so low is, if in truth it is zero; NaN where the values do not vary."""
    from scipy.special import stdtr

    test = statistics.mean_test(values)
    return float(stdtr(test.freedom, test.t)) if math.isfinite(test.t) else math.nan


def correlation(one: Floats, other: Floats) -> float:
    """Return the correlation of two forecasts where both are known; NaN where one of them does not vary."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 3 or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
        return math.nan
    return float(np.corrcoef(one[both], other[both])[0, 1])


def further(found: Marginal) -> int:
    """Return how many more bars would tell a member that changes as much as this one seems to, or that changes nothing.

    The change stays what it is and its standard error falls with the root of the number: either it is then beyond
    chance with a power of 80 %, or its interval lies within the bound. Whichever takes fewer.
    """
    from scipy.special import stdtrit

    critical, power = (float(stdtrit(found.freedom, p)) for p in (1 - found.size / 2, POWER))
    error, change = (found.high - found.low) / 2 / critical, abs(found.change)
    asked = []
    if change > 0:
        asked.append(((critical + power) * error / change) ** 2)
    if change < BOUND:
        asked.append((critical * error / (BOUND - change)) ** 2)
    return max(math.ceil(found.n * min(asked)) - found.n, 1)


def overall(given: Sequence[Answer], harmful: bool) -> Answer:
    """Return what follows from the verdicts on recipes; `harmful`: on noise, where there is nothing to know, it is."""
    if harmful or "HARMFUL" in given:
        return "HARMFUL"
    if "JOIN" in given:
        return "JOIN"
    return "REDUNDANT" if set(given) == {"REDUNDANT"} else "TOO EARLY"


def because(found: Marginal, gain: float) -> str:
    """Return why the verdict on a market is what it is, in words; `gain` is that of the net return, a year."""
    change = f"the loss {'falls' if found.change < 0 else 'rises'} by {abs(found.change):.2%}"
    if found.worse or found.poorer:
        told = [change] if found.worse else []
        told += [f"the net return falls by {abs(gain):.2%} a year"] if found.poorer else []
        return f"{' and '.join(told)}, beyond chance"
    if not found.tested:
        return f"{plural(found.n, 'bar')} are too few for a test: at least {plural(found.more, 'bar')} more"
    if found.better and found.knows:
        return f"{change}, beyond chance, and the forecasts tell what the others miss"
    if found.better:
        return f"{change}, but by drawing forecasts together: they tell nothing that the others miss"
    if found.equal:
        return f"the loss stays the same, within {BOUND:.1%}"
    name, value = found.closest
    if value >= ALIKE:
        return f"it forecasts what {name or 'the ensemble'} does, correlation {value:.2f}"
    return f"{change}, within chance: about {plural(found.more, 'bar')} more would tell"
