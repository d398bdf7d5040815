"""Folds that begin or end at dates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import quorate
from quorate_plugins.splitters.by_bars import LEAST_TRAINING, first_bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Date = np.datetime64[dt.date]
    Sessions = NDArray[Date]

# A history that begins after a long weekend begins in time.
CLOSED_DAYS = 4
MONTHS = {"Y": 12, "Q": 3, "M": 1}


def anchored(
    sessions: Sessions,
    start: int,
    anchor: dt.date | str | None = None,
    initial: int = 1000,
    test: int = 250,
    first: dt.date | str | None = None,
) -> Iterator[quorate.Span]:
    """Yield folds of `test` bars that train on all bars from the date `anchor` on; the first on `initial` bars.

    Without an `anchor` training begins with the history. With `first` the first fold begins at that date, however many
    bars there are before it.

    Parameters
    ----------
    anchor : date or str, optional
        First session that trains; the first of the history, if not given.
    initial : int, bars
        How many the first fold trains on.
    test : int, bars
        How many a fold predicts.
    first : date or str, optional
        Where the first fold begins, in place of `initial`.
    """
    begin = 0 if anchor is None else _position(sessions, start, anchor, "anchor")
    if first is not None:
        initial = _position(sessions, start, first, "first") - begin
        if initial < LEAST_TRAINING:
            raise quorate.DataError(
                f"the first fold begins on {first} (folds.first) and must train on at least {LEAST_TRAINING} bars; "
                f"before it there are {max(initial, 0)}: give more history, or a later date"
            )
    since = f"from folds.anchor ({anchor}) on, " if begin else ""
    at_first = begin + first_bar(len(sessions) - begin, start and start - begin, initial, "initial", test, since)
    for at in range(at_first, len(sessions), test):
        yield quorate.Span(at, min(at + test, len(sessions)), begin)


def calendar(
    sessions: Sessions, start: int, train: str = "3Y", test: str = "1Q", initial: str = "3Y"
) -> Iterator[quorate.Span]:
    """Yield folds that begin and end where calendar periods do, each with the period `train` before it.

    Lengths are a number and a unit, in either case: Y, Q, M, W (from Monday on), or B, sessions. The first fold begins
    with the first whole period of the unit of `test` before which the history holds all of `train`; the last fold, and
    the first of the holdout, may be shorter than `test`. With ``train = "all"`` every fold trains on all
    before it, the first on `initial` at least.

    Parameters
    ----------
    train : str
        Length of the period that trains, such as ``3Y`` or ``18M``, or ``all``.
    test : str
        Length of the period that a fold predicts.
    initial : str
        Least length of the period that trains, with ``train = "all"``.
    """
    each = _length(test, "test")
    window = None if train == "all" else _length(train, "train", ', or "all"')
    needed = window or _length(initial, "initial")
    periods = _periods(sessions, each.unit)
    first = _first_period(sessions, periods, each.unit, needed)
    if first is None:
        option = "initial" if window is None else "train"
        raise quorate.DataError(
            f"the first fold trains on {needed} (folds.{option}) and must leave a whole period to begin with; "
            f"before the holdout there are {len(sessions)} sessions, {sessions[0]} to {sessions[-1]}: give more "
            f"history, or lower folds.{option} or the holdout"
        )
    edges = {int(periods.searchsorted(p)) for p in range(first, int(periods[-1]) + 1, each.number)}
    begin = start or min(edges)
    borders = sorted({begin, len(sessions), *(edge for edge in edges if edge > begin)})
    for at, stop in pairwise(borders):
        back = 0 if window is None else _back(sessions, at, _date(sessions, periods, at, each.unit), window)
        yield quorate.Span(at, stop, max(back, 0))


class _Length(NamedTuple):
    number: int
    unit: str

    def __str__(self) -> str:
        return f"{self.number}{self.unit}"


def _length(text: str, option: str, more: str = "") -> _Length:
    found = re.fullmatch(r"([1-9]\d{0,4})([YQMWB])", text.upper())
    if not found:
        raise quorate.RecipeError(
            f'folds.{option} must be a number and a unit, Y, Q, M (months), W or B (sessions), e.g. "250B"{more}; '
            f"it was {text!r}"
        )
    return _Length(int(found[1]), found[2])


def _position(sessions: Sessions, start: int, anchor: dt.date | str, option: str) -> int:
    """Return the position of the first session from a date on; `option` says which one that is."""
    import numpy as np

    try:
        day = dt.date.fromisoformat(anchor) if isinstance(anchor, str) else anchor
    except ValueError:
        raise quorate.RecipeError(f"folds.{option} must be a date, e.g. 2005-01-03; it was {anchor!r}") from None
    date = np.datetime64(day, "D")
    begin, last = int(np.searchsorted(sessions, date)), (start or len(sessions)) - 1
    if begin > last or date + CLOSED_DAYS < sessions[0]:
        raise quorate.DataError(
            f"folds.{option} must lie in the history before the holdout, {sessions[0]} to {sessions[last]}; it is {day}"
        )
    return begin


def _periods(sessions: Sessions, unit: str) -> NDArray[np.int64]:
    """Return the number of each session's period; the numbers of successive periods differ by one."""
    import numpy as np

    if unit == "B":
        return np.arange(len(sessions), dtype=np.int64)
    if unit == "W":  # day 0, 1 January 1970, was a Thursday
        return (sessions.astype("datetime64[D]").astype(np.int64) + 3) // 7
    return sessions.astype("datetime64[M]").astype(np.int64) // MONTHS[unit]


def _start_of(sessions: Sessions, period: int, unit: str) -> Date:
    """Return the first date of a period."""
    import numpy as np

    if unit == "B":
        date: Date = sessions[period]
    elif unit == "W":
        date = np.datetime64(period * 7 - 3, "D")
    else:
        date = np.datetime64(period * MONTHS[unit], "M").astype("datetime64[D]")
    return date


def _date(sessions: Sessions, periods: NDArray[np.int64], at: int, unit: str) -> Date:
    """Return the first date of the period that begins with the session at `at`; the session's, if none does."""
    if periods[at] != periods[at - 1]:
        return _start_of(sessions, int(periods[at]), unit)
    date: Date = sessions[at]
    return date


def _first_period(sessions: Sessions, periods: NDArray[np.int64], unit: str, needed: _Length) -> int | None:
    """Return the first period that begins after as much history as is needed."""
    for period in range(int(periods[0]) + 1, int(periods[-1]) + 1):
        at = int(periods.searchsorted(period))
        if _back(sessions, at, _start_of(sessions, period, unit), needed) >= 0:
            return period
    return None


def _back(sessions: Sessions, at: int, date: Date, length: _Length) -> int:
    """Return the position of the session a length before; negative, if the history does not go back that far.

    Parameters
    ----------
    at, date : int, datetime64[D]
        From where to count back: sessions from `at`, calendar time from `date`.
    """
    import numpy as np

    if length.unit == "B":
        return at - length.number
    if length.unit == "W":
        since = date - 7 * length.number
    else:
        month = date.astype("datetime64[M]")
        earlier = month - length.number * MONTHS[length.unit]
        # The 31st, counted back to a month of 30 days, is the 30th.
        since = min(earlier.astype("datetime64[D]") + (date - month), (earlier + 1).astype("datetime64[D]") - 1)
    if since + CLOSED_DAYS < sessions[0]:
        return -1
    return min(int(np.searchsorted(sessions, since)), at - 1)
