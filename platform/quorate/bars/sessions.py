"""Sessions of a market beside those that bars have: which are missing, which are extra, and which end early."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate.bars import exchanges, us_equity
from quorate.bars.calendar import CALENDARS
from quorate.bars.doubts import holidays
from quorate.bars.panel import Bars

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
Days = NDArray[np.datetime64]


def sessions_told(bars: Bars) -> list[dict[str, Any]]:
    """Return the sessions that are otherwise than the calendar says, and its half days, by date.

    Returns
    -------
    list of dict
        ``session``; ``kind``: ``missing``, ``extra`` or ``half day``; ``symbols``, how many lack it or have it, of how
        many whose bars begin before it and end after it (``of``); and a ``note``. None of weekly and monthly bars.
    """
    if bars.frequency != "1d" and not bars.frequency.endswith("min"):
        return []
    days, first = np.unique(bars.sessions, return_index=True)
    has = np.logical_or.reduceat(bars.present, first, axis=0)
    expected = _expected(bars)
    every = np.union1d(days, expected)
    held = np.zeros((len(every), len(bars.symbols)), dtype=bool)
    held[np.searchsorted(every, days)] = has
    within = np.logical_or.accumulate(held, axis=0) & np.logical_or.accumulate(held[::-1], axis=0)[::-1]
    lack, count, of = (within & ~held).sum(axis=1), held.sum(axis=1), within.sum(axis=1)
    due, off = np.isin(every, expected), holidays(bars)
    early = _early(bars)
    told = []
    for k, day in enumerate(every):
        if due[k] and lack[k]:
            closed = "no symbol has a bar: the market may have been closed" if not count[k] else ""
            told.append(_row(day, "missing", lack[k], of[k], closed))
        elif not due[k] and count[k]:
            name = DAYS[int(day.astype(np.int64) + 3) % 7]
            told.append(_row(day, "extra", count[k], of[k], "a holiday" if day in off else name))
        if day in early and count[k]:
            told.append(_row(day, "half day", count[k], of[k], early[day]))
    return told


def _row(day: np.datetime64, kind: str, symbols: int, of: int, note: str) -> dict[str, Any]:
    return {"session": str(day), "kind": kind, "symbols": int(symbols), "of": int(of), "note": note}


def _expected(bars: Bars) -> Days:
    """Return the dates from the first session to the last on which the market is open, as far as that is known."""
    span = np.arange(bars.sessions[0], bars.sessions[-1] + 1)
    if bars.calendar.sessions_per_year > 300:
        return span
    return span[np.is_busday(span) & ~np.isin(span, holidays(bars))]


def _early(bars: Bars) -> dict[np.datetime64, str]:
    """Return the sessions that end early, with their close and, of bars within the day, how many lie after it."""
    if bars.calendar.name == us_equity.NAME:
        days, times = us_equity.half_days()
    elif bars.calendar.name in CALENDARS or (known := exchanges.hours_of(bars.calendar.name, bars.sessions)) is None:
        return {}
    else:
        days, times = known.sessions[known.early], known.closes[known.early]
    closes = dict(zip(days, times, strict=True))
    there = {day: close for day, close in closes.items() if bars.sessions[0] <= day <= bars.sessions[-1]}
    local = bars.calendar.clock_times(np.array(list(there.values()), dtype="datetime64[us]"))
    told = {}
    for (day, close), at in zip(there.items(), local, strict=True):
        late = int(bars.present[(bars.sessions == day) & (bars.times > close)].sum())
        told[day] = f"closes at {at}" + (f"; {late} bars lie after that" if late else "")
    return told
