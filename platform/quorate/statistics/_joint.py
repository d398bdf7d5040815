"""Several series of returns as one: how they move together, what each adds to the risk, and shares that even it out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from quorate.statistics._base import TINY, block_length
from quorate.statistics._boundary import Floats
from quorate.statistics._mean import cosines
from quorate.statistics._resampling import positions

STEPS = 100  # to equal risk; a dozen are enough, unless series cancel each other
EVEN = 1e-9  # by which contributions to risk may differ and still be called equal


class Correlations(NamedTuple):
    """Correlations of columns with their interval, each (k, k), and the mean block that was drawn."""

    found: Floats
    low: Floats
    high: Floats
    block: float


def covariance(returns: Floats) -> Floats:
    """Return the covariance, ddof 1, of columns, (n, k), as (k, k); without products whose bits depend on threads."""
    centred = returns - returns.mean(axis=0)
    k = returns.shape[1]
    found = np.empty((k, k))
    for i in range(k):
        for j in range(i, k):
            found[i, j] = found[j, i] = (centred[:, i] * centred[:, j]).sum() / (len(returns) - 1)
    return found


def correlations(returns: Floats, seed: int, draws: int = 1000, confidence: float = 0.90) -> Correlations:
    """Return the correlations of columns, (n, k), and the percentile interval of a stationary bootstrap.

    The same bars are drawn of all columns, in blocks that suit the most dependent of the series and of their products
    (Politis and Romano 1994). How far the ends lie from what was found is stretched as a t distribution is, with as
    many degrees of freedom as `long_run` would have: blocks make errors too small where there are few of them. NaN for
    fewer than 20 returns, and for a column that does not vary.
    """
    from scipy.special import stdtrit

    n, k = returns.shape
    unknown = np.full((k, k), math.nan)
    if n < 20:
        return Correlations(unknown, unknown, unknown, math.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = (returns - returns.mean(axis=0)) / np.where(returns.std(axis=0) > TINY, returns.std(axis=0), math.nan)
    varies = np.isfinite(scaled[0])
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k) if varies[i] and varies[j]]
    found, low, high = unknown.copy(), unknown.copy(), unknown.copy()
    for matrix in (found, low, high):
        matrix[varies, varies] = 1.0
    if not pairs:
        return Correlations(found, low, high, math.nan)
    products = np.column_stack([scaled[:, i] * scaled[:, j] for i, j in pairs])
    block = block_length(np.column_stack([scaled[:, varies], products]))
    drawn: list[Floats] = []
    for rows in positions(n, block, draws, seed):
        columns = [np.tile(scaled[:, i], 2)[rows] if varies[i] else np.empty(0) for i in range(k)]
        drawn.append(np.column_stack([_correlation(columns[i], columns[j]) for i, j in pairs]))
    values = np.concatenate(drawn)
    tails = (1 - confidence) / 2, (1 + confidence) / 2
    stretch = float(stdtrit(cosines(n), tails[1]) / stdtrit(math.inf, tails[1]))
    for place, (i, j) in enumerate(pairs):
        middle = found[i, j] = found[j, i] = _correlation(scaled[None, :, i], scaled[None, :, j])[0]
        known = values[np.isfinite(values[:, place]), place]
        ends = np.quantile(known, tails) if len(known) else np.full(2, math.nan)
        low[i, j], high[i, j] = low[j, i], high[j, i] = np.clip(middle + (ends - middle) * stretch, -1.0, 1.0)
    return Correlations(found, low, high, block)


def _correlation(one: Floats, other: Floats) -> Floats:
    """Return the correlation of each row, at most 1; NaN where one does not vary."""
    a, b = (values - values.mean(axis=1, keepdims=True) for values in (one, other))
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    top = (a * b).sum(axis=1)
    found = np.divide(top, scale, out=np.full(len(top), math.nan), where=scale > TINY)
    within: Floats = np.clip(found, -1.0, 1.0)
    return within


def risk_contributions(shares: Floats, covariances: Floats) -> Floats:
    """Return which part of the variance of a portfolio each member is, (k,), in sum 1; NaN where it has none.

    ``w_i (S w)_i / w' S w``: negative for one that takes risk from the others.
    """
    each = shares * (covariances * shares).sum(axis=1)
    whole = float(each.sum())
    return each / whole if whole > TINY**2 else np.full(len(shares), math.nan)


def diversification_ratio(shares: Floats, covariances: Floats) -> float:
    """Return the mean deviation of the members over that of the portfolio (Choueifaty and Coignard 2008).

    1 where all move as one; NaN where the portfolio does not vary.
    """
    variance = float((shares * (covariances * shares).sum(axis=1)).sum())
    apart = float((shares * np.sqrt(np.diag(covariances))).sum())
    return apart / math.sqrt(variance) if variance > TINY**2 else math.nan


def inverse_volatility(covariances: Floats) -> Floats:
    """Return shares in proportion to one over each deviation, (k,), in sum 1; every one must vary."""
    inverse = 1 / np.sqrt(np.diag(covariances))
    found: Floats = inverse / inverse.sum()
    return found


def risk_parity(covariances: Floats) -> Floats:
    """Return the long-only shares of which each is an equal part of the risk, (k,), in sum 1; every one must vary.

    The minimum of a convex function of the correlations by damped Newton steps (Spinu 2013). NaN where series cancel
    each other, so that there are none.
    """
    deviation = np.sqrt(np.diag(covariances))
    together = covariances / deviation / deviation[:, None]
    k = len(deviation)
    own = np.ones(k)
    for _ in range(STEPS):
        slope = (together * own).sum(axis=1) - 1 / k / own
        if np.abs(slope * own).max() < EVEN / k:  # how far each is from its part
            shares: Floats = own / deviation / (own / deviation).sum()
            return shares
        try:
            step = np.linalg.solve(together + np.diag(1 / k / own**2), slope)
        except np.linalg.LinAlgError:
            break
        far = math.sqrt(k * float((slope * step).sum()))  # below 1, the whole step leaves all of them positive
        own = own - step / (1 + far if far > 0.25 else 1)
    return np.full(k, math.nan)
