"""Evidence that a mean has moved, valid at every look: mixtures of likelihood ratios against what was there before.

A process that is worth 1 at first, and on average no more than that later, as long as nothing has moved. So it exceeds
20 in 5 % of all series at most, however often one looks (Ville 1939; Howard, Ramdas, McAuliffe and Sekhon 2021). What
the mean was is estimated from the values before: the ratio is that of what is left after the unknown mean, so that
its error is part of the evidence (Hendriksen, de Heide and Grünwald 2021), and never more can be shown than the values
before allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quorate.statistics._base import TINY
from quorate.statistics._boundary import Floats
from quorate.statistics._mean import long_run


@dataclass(frozen=True)
class Before:
    """What values were like before.

    Parameters
    ----------
    n : int
        How many.
    mean, deviation : float
        Of each.
    lasting : float
        How many times the variance of a mean is that of independent values, at least 1: the long-run variance, by
        slow cosines, over that of each.
    """

    n: int
    mean: float
    deviation: float
    lasting: float

    @property
    def independent(self) -> float:
        """As many independent values would tell as much of the mean; 0, where they do not vary."""
        return self.n / self.lasting if self.deviation > TINY else 0.0


def before_of(values: Floats) -> Before:
    """Return what a series was like, (n,), finite and in time order."""
    n = len(values)
    if n < 2:
        return Before(n, float(values.mean()) if n else math.nan, 0.0, 1.0)
    deviation = float(np.std(values, ddof=1))
    if deviation <= TINY:
        return Before(n, float(values.mean()), deviation, 1.0)
    return Before(n, float(values.mean()), deviation, max(1.0, (long_run(values).deviation / deviation) ** 2))


def shift_evidence(
    values: Floats, before: Before, shifts: Sequence[float] | Floats, mean: float | None = None
) -> Floats:
    """Return the evidence after each value that their mean has moved as `shifts` say, (n,).

    Exact for normal values with the dispersion of before, and with a known mean for symmetric ones of any dispersion.
    For others it is approximate: `before.lasting` stands for how values depend on each other, and where they disperse
    more than before, what they did counts. How often it is wrong is simulated: see docs/monitor.md.

    Parameters
    ----------
    values : ndarray of float64, (n,)
        In time order.
    before : Before
        What the series was like until then.
    shifts : sequence of float
        Of the mean, in deviations of one value: negative, where it has fallen. Each has an equal share of the mixture.
    mean : float, optional
        What the mean is held against, where that is known; without it, the mean of before, as it was estimated.

    Returns
    -------
    ndarray of float64, (n,)
        At least 0; the hypothesis is that the mean is as it was, or, of shifts in one direction, that it has not moved
        there.
    """
    count = np.arange(1, len(values) + 1)
    apart = values - (before.mean if mean is None else mean)
    share = 1 + count / before.n if mean is None else np.ones(len(values))
    total = np.cumsum(apart) / share
    variance = before.lasting * np.maximum(count * before.deviation**2, np.cumsum(apart**2)) / share
    bets = np.asarray(shifts, dtype=np.float64) / (before.deviation * before.lasting)
    worth = np.exp(np.minimum(np.outer(total, bets) - np.outer(variance, bets**2 / 2), 700.0))
    found: Floats = worth.mean(axis=1)
    return found
