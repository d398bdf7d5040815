"""How often the 90 % interval of a correlation holds the true one: the table in docs/portfolio.md."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray

from quorate.statistics._joint import correlations

SERIES, DRAWS, BEFORE = 600, 400, 50


def pair(rng: np.random.Generator, n: int, last: float, together: float, wild: bool) -> NDArray[np.float64]:
    """Return two series, (n, 2): how far each goes on, how they correlate, and whether wild times come to both."""
    drawn = rng.standard_normal((n + BEFORE, 2))
    drawn[:, 1] = together * drawn[:, 0] + math.sqrt(1 - together**2) * drawn[:, 1]
    if wild:
        drawn *= np.sqrt(4 / rng.chisquare(6, size=(n + BEFORE, 1)))
    for t in range(1, n + BEFORE):
        drawn[t] += last * drawn[t - 1]
    return drawn[BEFORE:] * 0.01


def held(n: int, last: float, together: float, wild: bool) -> float:
    """Return the share of intervals that hold the true correlation."""
    rng = np.random.default_rng([7, n, int(10 * last), int(10 * together), wild])
    found = (correlations(pair(rng, n, last, together, wild), k, DRAWS) for k in range(SERIES))
    return float(np.mean([one.low[0, 1] <= together <= one.high[0, 1] for one in found]))


if __name__ == "__main__":
    print("bars", "autocorrelation", "correlation", "normal", "t with 6", sep="\t")
    for n, last, together in product((126, 252), (0.0, 0.4), (0.0, 0.5)):
        shares = [held(n, last, together, wild) for wild in (False, True)]
        print(n, last, together, *(f"{share:.1%}" for share in shares), sep="\t", flush=True)
