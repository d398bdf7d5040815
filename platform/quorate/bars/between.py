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
STRETCH = 60  # bars in which two symbols may be the same
FEW = 3  # of these, the largest moves, without which they must be the same, too


def look_alikes(bars: Bars, least: float) -> Iterator[Finding]:
    """Yield pairs of symbols that have the same returns, or proportional ones, on the bars that both have.

    Pairs that do so for a stretch only are told, too, as where one was filled with the other: a stretch of 60 bars is
    looked at every 30 bars, so that one of 90 is found wherever it lies.

    Parameters
    ----------
    least : float
        The correlation of their returns, of either sign, from which on they are told.
    """
    if len(bars.symbols) < 2:
        return
    step, known = _steps(bars)
    found = set()
    for i, j, value, shared in _alike(step, known, least):
        found.add((i, j))
        told = f"the correlation of their returns is {_agreement(step, known, i, j, value, shared)}"
        yield from _told(bars, (i, j), (known[:, i] & known[:, j]), value, f": {told}: is it the same thing twice?")
    for (i, j), where in sorted(_stretches(step, known, least).items()):
        if (i, j) not in found:
            own, rest = where & known[:, i] & known[:, j], ~where & known[:, i] & known[:, j]
            value, elsewhere = (_correlation(step[rows, i], step[rows, j]) for rows in (own, rest))
            told = _agreement(step[own], known[own], i, j, value, int(own.sum()))
            days = bars.sessions[1:][where]
            beside = f", and {elsewhere:.2f} on the others" if rest.sum() >= SHARED else ""
            line = f" from {days[0]} to {days[-1]}: the correlation of their returns is {told}{beside}: "
            yield from _told(bars, (i, j), own, value, f"{line}was one filled with the other?")


def _told(bars: Bars, pair: tuple[int, int], rows: Mask, value: float, told: str) -> Iterator[Finding]:
    one, other = (bars.symbols[column] for column in pair)
    first = str(bars.sessions[1:][rows][0])
    for symbol in (one, other):
        line = f"{one} moves as {other} does{told}"
        yield Finding("look-alikes", symbol, int(rows.sum()), first, first, abs(value), line)


def _agreement(step: Floats, known: Mask, i: int, j: int, value: float, shared: int) -> str:
    both = known[:, i] & known[:, j]
    same = float(np.isclose(step[both, i], step[both, j], rtol=0, atol=1e-9).mean())
    return f"{value:.5f} over {plural(shared, 'bar')}, {same:.0%} of them equal"


def _alike(step: Floats, known: Mask, least: float) -> Iterator[tuple[int, int, float, int]]:
    """Yield pairs of columns with the correlation of their returns, from which on they are told, and how many."""
    alike, shared = _correlations(step, known)
    for i, j in np.argwhere(np.triu((np.abs(alike) >= least) & (shared >= SHARED), 1)):
        yield int(i), int(j), float(alike[i, j]), int(shared[i, j])


def _stretches(step: Floats, known: Mask, least: float) -> dict[tuple[int, int], Mask]:
    """Return the longest stretch in which two columns have the same returns, or proportional ones, by pair."""
    found: dict[tuple[int, int], Mask] = {}
    for start in range(0, len(step) - SHARED + 1, STRETCH // 2):
        part = slice(start, start + STRETCH)
        for i, j, *_ in _alike(step[part], known[part], least):
            rows = known[part, i] & known[part, j]
            one, other = step[part, i][rows], step[part, j][rows]
            usual = np.argsort(np.abs(one) + np.abs(other))[:-FEW]  # a fall of both together is not the same thing
            moved = int(((one[usual] != 0) & (other[usual] != 0)).sum())
            if moved >= SHARED // 2 and abs(_correlation(one[usual], other[usual])) >= least:
                found.setdefault((i, j), np.zeros(len(step), dtype=bool))[part] = True
    for (i, j), where in found.items():
        where |= known[:, i] & known[:, j] & (np.abs(step[:, i] - step[:, j]) < 1e-9)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], where.astype(np.int8), [0]))))
        longest = int((edges[1::2] - edges[::2]).argmax())
        where[: edges[2 * longest]] = where[edges[2 * longest + 1] :] = False
    return found


def _correlation(one: Floats, other: Floats) -> float:
    if len(one) < 2 or not (one.std() > 1e-9 and other.std() > 1e-9):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


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
