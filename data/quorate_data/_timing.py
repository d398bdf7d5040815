"""From stamps as files give them to the close stamps of bars: daily or intraday, stamped at the open or close."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._stamps import Stamps

Times = NDArray[np.datetime64]


def close_times(
    stamps: list[Stamps],
    symbols: NDArray[np.str_],
    clock: quorate.Calendar,
    stamp: Literal["close", "open"],
    length: np.timedelta64 | None,
) -> Times:
    """Return the UTC close stamp of every bar, files in the order given.

    Daily and longer bars (all stamps are dates, or most sessions hold one bar) close with their
    session, whatever their time of day; the dates themselves are the sessions, or else the dates at
    the exchange. Intraday bars keep their stamps, `length` (the most common step, if it is None)
    later if those are their open.

    Raises
    ------
    DataError
        If weekly or monthly bars are stamped with their first day but said to be stamped at the
        close, or if an intraday bar's length cannot be told.
    """
    utc = np.concatenate([s.utc for s in stamps])
    dates = all(s.at_midnight for s in stamps)
    local = np.concatenate([(s.wall.astype("datetime64[D]") if s.at_midnight else s.local) for s in stamps])
    if dates or _one_a_session(symbols, local, utc):
        return clock.close_times(_last_sessions(symbols, local, stamp))
    if stamp == "close":
        return utc
    return np.asarray(utc + (_step(symbols, utc) if length is None else length), dtype="datetime64[us]")


def _one_a_session(symbols: NDArray[np.str_], local: Times, utc: Times) -> bool:
    bars = pd.DataFrame({"symbol": symbols, "local": local, "utc": utc}).drop_duplicates()
    return bool(bars.groupby(["symbol", "local"]).size().median() == 1)


def _last_sessions(symbols: NDArray[np.str_], sessions: Times, stamp: Literal["close", "open"]) -> Times:
    """Return the date on which each bar ends: for weekly and monthly bars not the date of their open."""
    steps = _steps(symbols, sessions).astype(np.int64)
    days = float(np.median(steps)) if len(steps) else 1.0
    if days < 5:
        return sessions
    months = sessions.astype("datetime64[M]")
    weekly = days < 20
    if stamp == "open":
        if weekly:
            return sessions + np.timedelta64(6, "D")
        following: Times = (months + np.timedelta64(1, "M")).astype("datetime64[D]")
        return following - np.timedelta64(1, "D")
    # 1970-01-01 was a Thursday: Mondays are 4 modulo 7.
    first = (sessions.astype(np.int64) % 7 == 4) if weekly else (sessions == months)
    if first.mean() > 0.5:
        raise quorate.DataError(
            f"{'weekly' if weekly else 'monthly'} bars seem to be stamped with their first day, e.g. {sessions[0]}, "
            'on which their close was not known; set data.stamp = "open"'
        )
    return sessions


def _steps(symbols: NDArray[np.str_], times: Times) -> NDArray[np.timedelta64]:
    order = np.lexsort((times, symbols))
    steps = np.diff(times[order])
    inside = (symbols[order][1:] == symbols[order][:-1]) & (steps > np.timedelta64(0))
    return np.asarray(steps[inside])


def _step(symbols: NDArray[np.str_], utc: Times) -> np.timedelta64:
    steps, counts = np.unique(_steps(symbols, utc), return_counts=True)
    if not len(steps):
        raise quorate.DataError('the length of a bar cannot be told from one bar; set data.frequency, e.g. "60min"')
    return np.timedelta64(steps[counts.argmax()])


def bar_length(frequency: str) -> np.timedelta64:
    """Return the length of an intraday bar, e.g. of ``"5min"``, or raise `DataError`."""
    try:
        length = pd.Timedelta(frequency)
    except ValueError:
        length = pd.Timedelta(0)
    if not pd.Timedelta(0) < length < pd.Timedelta(days=1):
        raise quorate.DataError(
            f'data.frequency must be the length of an intraday bar, such as "5min" or "1h"; it was {frequency!r}'
        )
    return length.to_timedelta64()
