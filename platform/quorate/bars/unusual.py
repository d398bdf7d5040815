"""How far bars lie from what is usual, measured by the bars before them: no later bar says which one is odd.

All functions take one symbol's bars, one after another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from quorate.statistics import Floats

WINDOW = 60  # values before, of which what is usual is taken; the first so many are not judged
EVERY = 20  # values after which it is taken again
RECENT = 10  # moves whose mean is usual, too: a market may have become wild since
CAP = 10.0  # of the usual, at which a move counts in that mean
DEVIATION = 1.4826  # of the median distance, which of a normal value is one standard deviation
MEAN = 1.2533  # the same of the mean distance
HOLE = 10  # days without a bar, over which no move is unusual
BACK = 0.25  # of a jump, within which the price is back
WITHIN = 3  # bars in which a price comes back, or becomes the usual one
AT_ONCE = 100_000  # windows that are looked at at once
LARGE = np.log(10.0)  # a volume is no spike below ten times the usual
NARROW = 0.1  # of logarithms of volumes, the least that deviations are told in

Times = NDArray[np.datetime64]


class Moves(NamedTuple):
    """Of each bar: the logarithm of its close, its move from the close before, and the usual size of such a move."""

    close: Floats
    move: Floats
    usual: Floats


def moves(close: Floats, sessions: Times, within_day: bool) -> Moves:
    """Return the moves of closes.

    Parameters
    ----------
    close : ndarray of float64, (n,)
        Prices.
    sessions : ndarray of datetime64[D], (n,)
        Of the bars.
    within_day : bool
        Moves from one session to the next are measured by such moves alone: a night is longer than a minute.
    """
    known = np.log(close)
    move = np.diff(known, prepend=known[:1])
    size, days = np.abs(move), np.diff(sessions, prepend=sessions[:1]).astype(np.int64)
    usual = np.full(len(close), np.nan)
    over = (days > 0) & within_day
    for among in (over, ~over):
        at = np.flatnonzero(among)
        usual[at] = _usual_size(size[at])
    usual[days > HOLE] = np.inf
    return Moves(known, move, usual)


def deviations(moved: Moves, high: Floats, low: Floats) -> Floats:
    """Return how many usual moves a close, high or low lies from the closes before; 0 where nothing is known.

    A close counts by the nearest of the three closes before it: of a price that comes back, and of one that stays where
    it went, only the first bar is unusual.
    """
    known = moved.close
    far = np.abs(moved.move)
    for back in range(2, WITHIN + 1):
        far[back:] = np.minimum(far[back:], np.abs(known[back:] - known[:-back]))
    before = np.append(known[:1], known[:-1])
    top = np.log(high) - np.maximum(known, before)
    bottom = np.minimum(known, before) - np.log(low)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nan_to_num(np.maximum(far, np.maximum(top, bottom)) / moved.usual, posinf=0.0))


def reverting(moved: Moves) -> Floats:
    """Return by how many usual moves a close jumps that is undone within three bars; 0 of others."""
    known, n = moved.close, len(moved.close)
    back = np.zeros(n, dtype=bool)
    before = np.append(known[:1], known[:-1])
    for after in range(1, WITHIN + 1):
        back[: n - after] |= np.abs(known[after:] - before[: n - after]) < BACK * np.abs(moved.move[: n - after])
    with np.errstate(invalid="ignore"):
        return np.where(back, np.nan_to_num(np.abs(moved.move) / moved.usual, posinf=0.0), 0.0)


def volume_deviations(volume: Floats) -> tuple[Floats, Floats]:
    """Return how many deviations a volume lies above the usual, by its logarithm, and how many times as large it is."""
    far, times = np.zeros(len(volume)), np.ones(len(volume))
    at = np.flatnonzero(volume > 0)
    known = np.log(volume[at])
    middle, spread = _earlier(known, _middle_and_spread)
    with np.errstate(invalid="ignore"):
        above = np.nan_to_num(known - middle)
        for back in range(1, WITHIN + 1):  # of volumes that stay where they went only the first is unusual
            above[back:] = np.minimum(above[back:], known[back:] - known[:-back])
        far[at] = np.where(above > LARGE, above / np.maximum(DEVIATION * np.nan_to_num(spread), NARROW), 0.0)
    times[at] = np.exp(above)
    return far, times


def repeated(close: Floats) -> NDArray[np.int64]:
    """Return how many bars in a row, up to each, have its close."""
    new = np.append(True, close[1:] != close[:-1])
    at = np.arange(len(close))
    return np.asarray(at - np.maximum.accumulate(np.where(new, at, 0)) + 1)


def _usual_size(size: Floats) -> Floats:
    """Return the usual size of a move, by those before each, of those that are none at all; NaN until it is known."""
    at = np.flatnonzero(size > 0)
    [middle] = _earlier(size[at], lambda windows: (np.median(windows, axis=1),))
    usual = np.full(len(size), np.nan)
    usual[at] = DEVIATION * middle
    place = np.maximum.accumulate(np.where(np.isfinite(usual), np.arange(len(size)), 0)) if len(size) else at
    usual = usual[place]
    with np.errstate(invalid="ignore"):
        capped = np.nan_to_num(np.minimum(size, CAP * usual))
    total = np.append(0.0, np.cumsum(capped))
    recent = np.zeros(len(size))
    recent[RECENT:] = (total[RECENT:-1] - total[: -RECENT - 1]) / RECENT
    return np.asarray(np.maximum(usual, MEAN * recent))


def _earlier(values: Floats, of: Callable[[Floats], tuple[Floats, ...]]) -> list[Floats]:
    """Return figures of the values before each one, taken again after every 20; NaN for the first 60."""
    n = len(values)
    windows: Any = sliding_window_view(values, WINDOW)[::EVERY] if n >= WINDOW else np.empty((1, 1))
    parts = [of(windows[k : k + AT_ONCE]) for k in range(0, len(windows), AT_ONCE)]
    place = np.maximum(np.arange(n) - WINDOW, 0) // EVERY
    judged = np.arange(n) >= WINDOW
    return [np.where(judged, np.concatenate(figures)[place], np.nan) for figures in zip(*parts, strict=True)]


def _middle_and_spread(windows: Floats) -> tuple[Floats, Floats]:
    middle = np.median(windows, axis=1)
    return middle, np.median(np.abs(windows - middle[:, None]), axis=1)
