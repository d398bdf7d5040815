"""Horizons in sessions: at which bar a label ends that counts the sessions of its symbol's own market."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars
from quorate.dataset.folds import NEVER
from quorate.errors import DataError, plural
from quorate.statistics import Floats

Positions = NDArray[np.int64]
PAID = np.iinfo(np.int64).max // 2  # session of what is paid out after a delisting: later than any


class Reach(NamedTuple):
    """How far labels of some sessions reach, both (n_bars, n_symbols).

    Parameters
    ----------
    bars : ndarray of int64
        Bars from the fill to the last price; 0 where that is not known.
    ends : ndarray of int64
        Position of the bar at which it is known that the last session is over; `n_bars`, where none is.
    """

    bars: Positions
    ends: Positions


def sessions_in(horizon: str) -> int:
    """Return how many sessions a horizon is, of a recipe's ``"5 sessions"``."""
    return int(horizon.split()[0])


def longest(horizon: int | str, bar: Positions, end: Positions) -> int:
    """Return how many bars labels overlap: a horizon in bars, or the most that one in sessions has among some rows.

    Parameters
    ----------
    bar, end : ndarray of int64, (n_rows,)
        Where the rows' decisions are, and where their labels become known.
    """
    if isinstance(horizon, int):
        return horizon
    known = end < NEVER
    return max(1, int((end[known] - bar[known] - 1).max(initial=1)))


def in_bars(bars: Bars, sessions: int) -> int | None:
    """Return a horizon in sessions as bars, where each bar is a session; None, where sessions hold several.

    Raises
    ------
    DataError
        If bars are longer than sessions.
    """
    if bars.frequency.endswith("min") or (bars.fills is not None and bars.frequency == "1d"):
        return None
    if bars.frequency != "1d":
        raise DataError(
            f"labels.horizon is {plural(sessions, 'session')}, and a bar of {bars.frequency} is longer than one: give "
            "it in bars, e.g. labels.horizon = 1"
        )
    return sessions


def reach(bars: Bars, prices: Floats, sessions: int) -> Reach:
    """Return how far labels reach that end `sessions` after the session of their fill, at the bar that closes it.

    That is the first bar of the session at or after the close that the calendar has, else its last one. A symbol
    without a bar there has the one before, in that session; one without any in that session has the next.

    Parameters
    ----------
    prices : ndarray of float64, (n_bars, n_symbols)
        What orders are filled at, NaN where none are.
    """
    n, shape = len(bars), prices.shape
    found = Reach(np.zeros(shape, dtype=np.int64), np.full(shape, n))
    session, over = _own_sessions(bars) if bars.fills is not None else _sessions(bars)
    for column in range(shape[1]):
        rows = np.flatnonzero(np.isfinite(prices[1:, column])) + 1  # a row decides what the next one fills
        number, known = session[rows, column], over[rows, column]
        later = np.searchsorted(number, number + sessions)
        some = np.flatnonzero(later < len(rows))
        first, entry = later[some], rows[some]
        stop = np.minimum(np.searchsorted(number, number[first], "right"), np.searchsorted(rows, known[first], "right"))
        sound = (known[first] < n) & (stop > first)
        entry, first, stop = entry[sound], first[sound], stop[sound]
        found.bars[entry - 1, column] = rows[stop - 1] - entry
        found.ends[entry - 1, column] = known[first]
    return found


def _sessions(bars: Bars) -> tuple[Positions, Positions]:
    """Return of each bar the number of its session, and at which bar that is known to be over, for all symbols."""
    days, place = np.unique(bars.sessions, return_inverse=True)
    over = np.searchsorted(bars.times, bars.calendar.close_times(days))[place]
    shape = bars.close.shape
    return np.broadcast_to(place[:, None], shape), np.broadcast_to(over[:, None], shape)


def _own_sessions(bars: Bars) -> tuple[Positions, Positions]:
    """Return the same of what orders are filled at in a panel of several markets, each symbol by its own market's."""
    assert bars.fills is not None
    session, closing = bars.fills.sessions(bars.times, bars.symbols)
    session, closing = np.where(bars.delisted, PAID, session), closing | bars.delisted
    n, over = len(bars), np.full(session.shape, len(bars))
    for column in range(session.shape[1]):
        rows = np.flatnonzero(session[:, column] >= 0)
        number = session[rows, column]
        first, stop = (np.searchsorted(number, number, side=side) for side in ("left", "right"))
        closes = np.where(closing[rows, column], np.arange(len(rows)), len(rows))
        close = np.append(np.minimum.accumulate(closes[::-1])[::-1], len(rows))[first]
        known = np.append(rows, n)
        over[rows, column] = known[np.where(close < stop, close, stop)]  # else the next session has begun
    return session, over
