"""What the returns of one symbol say of another's: that it is the same thing, or known a bar earlier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from quorate.bars.doubts import Mask, few
from quorate.bars.panel import Bars
from quorate.bars.rules import Finding
from quorate.errors import plural
from quorate.statistics import Floats

SHARED = 50  # returns that two symbols must have in common


def look_alikes(bars: Bars, least: float) -> Iterator[Finding]:
    """Yield pairs of symbols that have the same returns, or proportional ones, on the bars that both have.

    Parameters
    ----------
    least : float
        The correlation of their returns, of either sign, from which on they are told.
    """
    if len(bars.symbols) < 2:
        return
    step, known = _steps(bars)
    alike, shared = _correlations(step, known)
    for i, j in np.argwhere(np.triu((np.abs(alike) >= least) & (shared >= SHARED), 1)):
        both = known[:, i] & known[:, j]
        same = float(np.isclose(step[both, i], step[both, j], rtol=0, atol=1e-9).mean())
        first = str(bars.sessions[1:][both][0])
        one, other, value = bars.symbols[i], bars.symbols[j], float(alike[i, j])
        told = (
            f"{one} moves as {other} does: the correlation of their returns is {value:.5f} over "
            f"{plural(int(shared[i, j]), 'bar')}, {same:.0%} of them equal: is it the same thing twice?"
        )
        for symbol in (one, other):
            yield Finding("look-alikes", symbol, int(shared[i, j]), first, first, abs(value), told)


def _steps(bars: Bars) -> tuple[Floats, Mask]:
    """Return log returns from bar to bar, 0 where one is missing, and where there are some."""
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.diff(np.log(bars.close), axis=0)
    known = np.isfinite(step)
    return np.where(known, step, 0.0), known


def _correlations(step: Floats, known: Mask) -> tuple[Floats, Floats]:
    """Return the correlation of each pair of columns over the rows that both have, and how many these are."""
    has = known.astype(np.float64)
    shared = has.T @ has
    total, squares, product = step.T @ has, (step * step).T @ has, step.T @ step
    with np.errstate(invalid="ignore", divide="ignore"):
        together = product - total * total.T / shared
        spread = squares - total * total / shared
        alike = together / np.sqrt(spread * spread.T)
    flat = ~((spread > 1e-18 * shared) & (1e-18 * shared < spread.T))
    return np.where(flat, 0.0, alike), shared


def known_too_early(bars: Bars, least: float = 0.6) -> list[str]:
    """Return which symbols' bars know the next return of another's: a session or a stamp is one bar early.

    Returns are compared with those of the bar after, each pair of symbols; markets that close at other hours lead
    each other by much less.
    """
    if len(bars.symbols) < 2:
        return []
    close = pd.DataFrame(bars.close).ffill().to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        step: Floats = np.diff(np.log(close), axis=0)
    own = np.where(bars.present[1:], step, np.nan)
    found = []
    for early, late, value in _leads(own, step):
        if value > least:
            found.append(
                f"the returns of {bars.symbols[early]} agree with those of {bars.symbols[late]} one bar later "
                f"(correlation {value:.2f}): its bars are known too early, or those of the other too late"
            )
    return few(found)


def _leads(own: Floats, step: Floats) -> Iterator[tuple[int, int, float]]:
    """Yield each ordered pair of symbols with the correlation of one's return with the other's next, on its bars."""
    n = own.shape[1]
    for i in range(n):
        rows = np.flatnonzero(np.isfinite(own[:-1, i]))
        if len(rows) < 50:
            continue
        # What the other earns until this one's next bar: a week, where this one has weekly bars.
        after = np.minimum(np.append(rows[1:], len(step) - 1), rows + 5)
        total = np.vstack([np.zeros(n), np.nancumsum(step, axis=0)])
        ahead = total[after + 1] - total[rows + 1]
        x = own[rows, i]
        for j in range(n):
            if j == i:
                continue
            y = ahead[:, j]
            if x.std() > 0 and y.std() > 0:
                yield i, j, float(np.corrcoef(x, y)[0, 1])
