"""The stationary bootstrap of Politis and Romano (1994), many draws at a time.

A draw is as many bars as there are, in blocks that begin anywhere, go on past the last bar with the first, and end
after each bar with the probability that their mean length asks for. Where blocks end and where they begin comes from
two streams of whole numbers, row by row: equal seeds give equal draws on every machine, however many are held at once.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np

from quorate.statistics._boundary import Floats, Positions

P = ParamSpec("P")
R = TypeVar("R")
HELD = 2**18  # drawn bars held at once: 2 MiB in each of some ten arrays
SPARSE = 2  # columns times blocks per bar: below it, two looked-up sums for each are faster than counts
KEPT = 4  # results of a remembered function
STEPS = 2**18  # of a series that is resampled: a longer one, of some years of minutes, moves in steps of several bars


def in_steps(values: Floats, joined: np.ufunc = np.add) -> tuple[Floats, int]:
    """Return the sums, or products, over steps of equally many bars, (n_steps, ...), and how many bars that is.

    One bar up to `STEPS` of them. Beyond that the bars within a step keep together, as those of a block do, and what is
    drawn of the means of so many steps is drawn as well: blocks that would be shorter than a step become one.
    """
    width = -(-len(values) // STEPS)
    return (values, 1) if width <= 1 else (joined.reduceat(values, np.arange(0, len(values), width)), width)


def positions(n: int, block: float, draws: int, seed: int) -> Iterator[Positions]:
    """Yield the positions of the bars of some draws, (m, n), until there are `draws`.

    They are those of the series followed by itself, (2n,): what is below n, and the same bars again from n on.
    """
    for m, begun, first, length in _blocks(n, block, draws, seed):
        yield _bars(n, m, begun, first, length)


def means(values: Floats, block: float, draws: int, seed: int) -> Floats:
    """Return the means of resampled columns, (draws, n_columns).

    Columns are rounded to whole numbers of a unit so small that all sums of them are exact, in any order: they stay
    below 2^53, and of thirty thousand bars the unit is 2^-38 of the largest. So they are the same on every machine.
    """
    n, k = values.shape
    _, size = np.frexp(np.abs(values).max(axis=0))
    shift = 53 - n.bit_length() - size
    whole = np.rint(np.ldexp(values, shift))
    running = np.zeros((k, 2 * n + 1), dtype=np.int64)
    np.cumsum(whole.T, axis=1, out=running[:, 1 : n + 1], dtype=np.int64)
    running[:, n + 1 :] = running[:, 1 : n + 1] + running[:, n : n + 1]  # once more around
    sums, done = np.empty((draws, k)), 0
    for m, begun, first, length in _blocks(n, block, draws, seed):
        if k * len(begun) < SPARSE * m * n:  # long blocks: from one running sum to another
            draw = np.searchsorted(begun, np.arange(m) * n)
            last = first + length
            parts = [np.add.reduceat(one.take(last) - one.take(first), draw) for one in running]
            sums[done : done + m] = np.stack(parts, axis=1)
        else:
            bars = _bars(n, m, begun, first, length)
            bars[bars >= n] -= n
            bars += n * np.arange(m)[:, None]
            counts = np.bincount(bars.ravel(), minlength=m * n).reshape(m, n)
            sums[done : done + m] = counts.astype(np.float64) @ whole
        done += m
    found: Floats = np.ldexp(sums, -shift) / n
    return found


def _blocks(n: int, block: float, draws: int, seed: int) -> Iterator[tuple[int, Positions, Positions, Positions]]:
    """Yield how many draws, and where each of their blocks begins in all of them, at which bar, and its length."""
    ends, begins = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(2))
    least, rows = round(2**32 / block), max(HELD // n, 1)
    for done in range(0, draws, rows):
        m = min(rows, draws - done)
        # Two numbers of 32 bits in each: half the time, and a mean length that is right to a billionth or so.
        drawn = ends.integers(2**64, size=(m, (n + 1) // 2), dtype=np.uint64).astype("<u8", copy=False).view("<u4")
        new = drawn[:, :n] < least
        new[:, 0] = True
        begun = np.append(np.flatnonzero(new), m * n)
        yield m, begun[:-1], begins.integers(n, size=len(begun) - 1), np.diff(begun)


def _bars(n: int, m: int, begun: Positions, first: Positions, length: Positions) -> Positions:
    """Return the positions of all drawn bars, (m, n), in the series followed by itself."""
    return (np.arange(m * n) + np.repeat(first - begun, length)).reshape(m, n)


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function without side effects, whose results cannot be changed, remember the last of them.

    Several gates ask for the same test of the same series. Arrays are known again by their bytes.
    """
    known: OrderedDict[bytes, R] = OrderedDict()

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        digest = hashlib.sha256()
        for value in (*args, *kwargs.items()):
            told = (value.shape, value.dtype.str) if isinstance(value, np.ndarray) else value
            digest.update(repr(told).encode() + b"\0")
            if isinstance(value, np.ndarray):
                digest.update(np.ascontiguousarray(value).data)
        key = digest.digest()
        found = known.pop(key, None)  # two threads may ask together
        if found is None:
            found = function(*args, **kwargs)
        known[key] = found
        while len(known) > KEPT:
            known.popitem(last=False)
        return found

    return wrapped
