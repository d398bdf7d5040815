"""Returns in excess of cash."""

from __future__ import annotations

import numpy as np

from quorate.statistics._boundary import Floats
from quorate.statistics._returns import returns_of


def excess_of(equity: Floats, cash: Floats | None) -> Floats:
    """Return `returns_of` an equity, in excess of what cash earned; an account of cash alone has none at all.

    Parameters
    ----------
    equity : ndarray of float64, (n_bars,) or (n_bars, n)
    cash : ndarray of float64, (n_bars - 1,), or None
        Return of cash on each bar after the first; without it there is nothing to exceed.
    """
    if cash is None:
        return returns_of(equity)
    before = equity[:-1]
    alive = ~(before <= 0)
    kept = before * (1 + cash.reshape(-1, *[1] * (equity.ndim - 1)))
    return np.where(alive, (equity[1:] - kept) / np.where(alive, before, 1.0), 0.0)
