"""How alike symbols move: those that are held out beside those that are not, and beside each other."""

from __future__ import annotations

import numpy as np

from quorate.ensemble.diversity import correlations
from quorate.statistics import Floats

ALIKE = 0.99  # correlation of returns from which on a symbol is as good as one that models learnt from


def _changes(close: Floats) -> Floats:
    """Return what symbols earned from close to close, (n_bars - 1, n_symbols), NaN where one has no two closes."""
    return close[1:] / close[:-1] - 1


def independent(unseen: Floats) -> float:
    """Return as how many independent symbols these count, by the mean correlation of their returns (Kish's effect).

    Parameters
    ----------
    unseen : ndarray of float64, (n_bars, n_symbols)
        Closes, NaN where a symbol has no bar.
    """
    n = unseen.shape[1]
    between = correlations(_changes(unseen))[np.triu_indices(n, 1)]
    known = between[np.isfinite(between)]
    return n / (1 + (n - 1) * max(float(known.mean()), 0.0)) if len(known) else float(n)


def look_alikes(seen: Floats, unseen: Floats) -> list[tuple[int, int, float]]:
    """Return which symbols that are held out move as one that is not: their positions, and how they correlate.

    Parameters
    ----------
    seen, unseen : ndarray of float64, (n_bars, n_symbols)
        Closes; NaN where a symbol has no bar.

    Returns
    -------
    list of (int, int, float)
        Of each that has one the position of the most alike; the correlation is 1 where the closes are the same.
    """
    others, found = _changes(seen), []
    for i, own in enumerate(_changes(unseen).T):
        values = [_alike(own, other) for other in others.T]
        j = int(np.argmax(values))
        if values[j] >= ALIKE:
            both = np.isfinite(unseen[:, i]) & np.isfinite(seen[:, j])
            same = bool((unseen[both, i] == seen[both, j]).all())
            found.append((i, j, 1.0 if same else min(values[j], np.nextafter(1.0, 0.0))))
    return found


def _alike(one: Floats, other: Floats) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 20 or not (one[both].std() > 0 and other[both].std() > 0):
        return -1.0
    return float(np.corrcoef(one[both], other[both])[0, 1])
