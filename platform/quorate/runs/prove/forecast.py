"""Planted forecasts: members that know the sign of the next label a little, by a stated correlation."""

from __future__ import annotations

import numpy as np

from quorate.statistics import Floats
from quorate.walkforward.layout import WalkForward

SHARED = 0.5  # correlation of what members err by: an ensemble of alike models gains, but not without bound
CONFIDENT = 0.1  # correlation that members believe in at least, so that they trade where they know nothing
MOST = 0.9


def correlation_of(strength: float, bars_per_year: float) -> float:
    """Return what a member's forecast correlates with the sign of the label, for a strength per square root of a year.

    A strength of 1 is what one bet a bar, of equal size, turns into a Sharpe ratio of about 1 before costs.
    """
    return min(strength / float(np.sqrt(bars_per_year)), MOST)


def planted(walk: WalkForward, strength: float, seed: int) -> Floats:
    """Return forecasts of all members of a walk-forward, (n_rows, n_members), NaN before its first fold.

    A member sees the sign of the label through noise: of unit variance together, half of the noise is shared by
    all members. What it forecasts is the probability, or the expected return, that this tells; who knows less than
    `CONFIDENT` is as sure as who knows that much. The same seed gives the same noise at every strength.
    """
    dataset, count = walk.dataset, len(walk.members)
    rng = np.random.default_rng([seed, 7_078])
    shared = rng.standard_normal((len(dataset), 1))
    own = rng.standard_normal((len(dataset), count))
    noise = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
    sign = np.nan_to_num(2 * dataset.y - 1 if walk.binary else np.sign(dataset.y))
    known = correlation_of(strength, walk.bars.bars_per_year)
    seen = known * sign[:, None] + np.sqrt(1 - known**2) * noise
    trusted = max(known, CONFIDENT)
    if walk.binary:
        found = 1 / (1 + np.exp(-2 * trusted * seen / (1 - trusted**2)))
    else:
        found = trusted * seen * float(np.nanmean(np.abs(dataset.y)))
    found[dataset.bar < walk.folds[0].first] = np.nan
    return np.asarray(found, dtype=np.float64)
