"""How different the members are, and what combining them gained over the best of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from quorate.statistics import TINY, Floats, sharpe
from quorate.statistics._paired import interval, resampled_differences, sharpe_per_bar

CLOSE = 0.95  # of a correlation from here on, one member says little that the other does not
UNDEFINED = dict.fromkeys(("low", "high", "share-above-zero", "block"), math.nan)


def correlations(predictions: Floats) -> Floats:
    """Return Pearson's correlation of each pair of members.

    Parameters
    ----------
    predictions : ndarray of float64, (n_rows, n_members)
        Out-of-fold predictions; a pair is compared on the rows where both have one.

    Returns
    -------
    ndarray of float64, (n_members, n_members)
        Symmetric; NaN where a member does not vary, or fewer than three rows are shared.
    """
    m = predictions.shape[1]
    found = np.full((m, m), np.nan)
    there = np.isfinite(predictions)
    for i, j in combinations_with_replacement(range(m), 2):
        both = there[:, i] & there[:, j]
        found[i, j] = found[j, i] = _correlation(predictions[both, i], predictions[both, j])
    return found


def _correlation(x: Floats, y: Floats) -> float:
    if len(x) < 3:
        return math.nan
    dx, dy = x - x.mean(), y - y.mean()
    sizes = [math.sqrt(float(d @ d)) for d in (dx, dy)]
    limits = [1e-9 * math.sqrt(len(x)) * max(float(np.abs(v).max()), TINY) for v in (x, y)]
    if any(size <= limit for size, limit in zip(sizes, limits, strict=True)):
        return math.nan
    return float(np.clip((dx @ dy) / (sizes[0] * sizes[1]), -1.0, 1.0))


def diversity(members: Sequence[str], predictions: Floats, close: float = CLOSE) -> dict[str, Any]:
    """Return how alike the members' out-of-fold predictions are, as plain data.

    Parameters
    ----------
    members : sequence of str
        Names, in the order of the columns.
    predictions : ndarray of float64, (n_rows, n_members)
        NaN where there is none.
    close : float
        The correlation from which on a pair is named.

    Returns
    -------
    dict
        ``members``: names; ``correlation``: rows of the correlation matrix; ``mean-correlation``: mean over the
        pairs for which it is defined; ``close-pairs``: dicts of ``members`` and ``correlation``, above `close`, the
        closest first; ``duplicates``: lists of members whose predictions are identical; ``warnings``: texts. What
        is undefined is NaN.
    """
    matrix = correlations(predictions)
    pairs = [(float(matrix[i, j]), [members[i], members[j]]) for i, j in combinations(range(len(members)), 2)]
    defined = [value for value, _ in pairs if math.isfinite(value)]
    same: dict[bytes, list[str]] = {}
    for name, column in zip(members, predictions.T, strict=True):
        if np.isfinite(column).any():
            same.setdefault(column.tobytes(), []).append(name)
    duplicates = [names for names in same.values() if len(names) > 1]
    alike = {frozenset(pair) for names in duplicates for pair in combinations(names, 2)}
    near = sorted((pair for pair in pairs if pair[0] > close), key=lambda pair: (-pair[0], pair[1]))
    warnings = [f"members {_listed(names)} predict the same on every row: keep one of them" for names in duplicates]
    warnings += [
        f"members {_listed(names)} are nearly one: their predictions correlate {value:.3f}"
        for value, names in near
        if frozenset(names) not in alike
    ]
    return {
        "members": list(members),
        "correlation": matrix.tolist(),
        "mean-correlation": float(np.mean(defined)) if defined else math.nan,
        "close-pairs": [{"members": names, "correlation": value} for value, names in near],
        "duplicates": duplicates,
        "warnings": warnings,
    }


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(repr(n) for n in names[:-1])} and {names[-1]!r}"


def ensemble_gain(
    ensemble: Floats,
    members: Mapping[str, Floats],
    bars_per_year: float,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.90,
) -> dict[str, Any]:
    """Return how much higher the ensemble's Sharpe ratio is than the best member's, and how sure that is.

    The best member is the one with the highest Sharpe ratio over the same span, which could not have been known
    before it: the choice favours the member. The interval is that of the difference of annualised Sharpe
    ratios in a stationary bootstrap (Politis and Romano 1994) that draws the same bars for both, with the mean
    block that suits the more dependent of the two (percentiles; on the difference of Sharpe ratios see Ledoit and
    Wolf 2008). The best member is not chosen again in each draw.

    Parameters
    ----------
    ensemble : ndarray of float64, (n_bars,)
        Net returns per bar.
    members : mapping of str to ndarray of float64, (n_bars,)
        Net returns of each member traded alone, over the same bars.
    seed : int
        Equal seeds give equal intervals.
    confidence : float
        Of the two-sided interval.

    Returns
    -------
    dict
        ``best-member``: name, or None if no member's Sharpe ratio is defined; ``ensemble-sharpe``, ``best-sharpe``,
        ``gain``, ``low``, ``high``: annualised; ``share-above-zero``: of the draws; ``block``: mean block in bars;
        ``bars``, ``draws``, ``seed``, ``confidence``; ``note``: what the choice of the member means. What is
        undefined is NaN.

    Raises
    ------
    ValueError
        If a member has another number of bars.
    """
    for name, returns in members.items():
        if len(returns) != len(ensemble):
            raise ValueError(
                f"the gain of an ensemble over member {name!r} needs returns of the same bars: {len(ensemble)} of the "
                f"ensemble; the member has {len(returns)}"
            )
    alone = {name: sharpe(returns, bars_per_year) for name, returns in members.items()}
    ranked = [name for name, value in alone.items() if math.isfinite(value)]
    best = max(ranked, key=lambda name: alone[name]) if ranked else None
    own = sharpe(ensemble, bars_per_year)
    told = {
        "best-member": best,
        "ensemble-sharpe": own,
        "best-sharpe": alone[best] if best else math.nan,
        "gain": own - alone[best] if best else math.nan,
        "bars": len(ensemble),
        "draws": draws,
        "seed": seed,
        "confidence": confidence,
        "note": "the best member was chosen by the Sharpe ratio of this same span, which favours it",
    }
    if best is None or not math.isfinite(own):
        return {**told, **UNDEFINED}
    return {**told, **_bootstrapped(ensemble, members[best], bars_per_year, draws, seed, confidence)}


def _bootstrapped(
    one: Floats, other: Floats, bars_per_year: float, draws: int, seed: int, confidence: float
) -> dict[str, float]:
    per_bar, block = resampled_differences(one, other, {"sharpe": sharpe_per_bar}, draws, seed)
    found = per_bar["sharpe"] * math.sqrt(bars_per_year)
    low, high = interval(found, confidence)
    if math.isnan(low):
        return {**UNDEFINED, "block": block}
    above = float((found[np.isfinite(found)] > 0).mean())
    return {"low": low, "high": high, "share-above-zero": above, "block": block}
