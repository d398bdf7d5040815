"""Trading calendars: when a session closes and how many sessions make a year."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.errors import DataError, near_misses, one_of

ENOUGH = 100  # sessions, from which on they are counted
TOLERANCE = 0.1  # weekdays without the holidays are 4 % more than an exchange's sessions


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name, or raise `DataError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise DataError(f"unknown time zone {name!r}: use an IANA name such as 'America/New_York' or 'UTC'") from e


@dataclass(frozen=True)
class Calendar:
    """The clock of a market.

    Parameters
    ----------
    name : str
        How reports name it.
    timezone : str
        IANA name of the exchange's time zone.
    close : str
        ``HH:MM`` of the regular close in that zone; ``24:00`` is midnight after the session.
        A shortened session keeps the regular stamp: the nominal close is never before the real one.
    sessions_per_year : int
        Daily bars in a year; the base of every annualisation.
    """

    name: str
    timezone: str
    close: str
    sessions_per_year: int

    def __post_init__(self) -> None:
        zone(self.timezone)

    def close_times(self, sessions: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return the UTC close, ``datetime64[us]``, of each session date."""
        hours, minutes = (int(part) for part in self.close.split(":"))
        local = pd.DatetimeIndex(sessions.astype("datetime64[us]")) + pd.Timedelta(hours=hours, minutes=minutes)
        utc = local.tz_localize(self.timezone, ambiguous=True, nonexistent="shift_forward").tz_convert("UTC")
        return utc.tz_localize(None).to_numpy().astype("datetime64[us]")

    def sessions(self, times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Return the session date, ``datetime64[D]``, of each UTC close stamp."""
        # A bar stamped exactly at midnight closed in the session before it.
        local = pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self.timezone) - pd.Timedelta(microseconds=1)
        return local.tz_localize(None).to_numpy().astype("datetime64[D]")


CALENDARS: dict[str, Calendar] = {
    c.name: c
    for c in (
        Calendar("us-equity", "America/New_York", "16:00", 252),
        Calendar("weekdays", "UTC", "24:00", 260),
        Calendar("24x7", "UTC", "24:00", 365),
    )
}


def get_calendar(name: str) -> Calendar:
    """Return the calendar of that name, or raise `DataError` with the near misses."""
    try:
        return CALENDARS[name]
    except KeyError:
        raise DataError(
            f"unknown calendar {name!r}: it must be one of {one_of(CALENDARS)}{near_misses(name, CALENDARS)}"
        ) from None


def infer_frequency(
    times: NDArray[np.datetime64], sessions: NDArray[np.datetime64], calendar: Calendar
) -> tuple[str, float]:
    """Return the bars' frequency, e.g. ``1d`` or ``60min``, and the number of bars in a year.

    Bars are daily, if no session holds two; otherwise the bars per session are counted where most
    sessions agree. Fewer than half of the sessions of a year present means weekly or monthly bars.
    Where there are clearly more or fewer sessions than the calendar says, those that there are count:
    every annualised figure would be wrong else.
    """
    if len(times) < 2:
        return "1d", float(calendar.sessions_per_year)
    days, counts = np.unique(sessions, return_counts=True)
    seen = sessions_per_year(days)
    if counts.max() > 1:
        per_session = int(np.bincount(counts).argmax())
        step = dt.timedelta(microseconds=int(np.median(np.diff(times).astype("timedelta64[us]").astype(np.int64))))
        return f"{step.total_seconds() / 60:g}min", _per_year(calendar.sessions_per_year, seen) * per_session
    apart = float(np.median(np.diff(sessions).astype(np.int64)))
    for limit, label, per_year in ((5.0, "1d", calendar.sessions_per_year), (20.0, "1w", 52), (80.0, "1mo", 12)):
        if apart < limit:
            return label, _per_year(per_year, seen)
    raise DataError(f"bars must be monthly or more frequent; the median distance was {apart:g} days")


def sessions_per_year(days: NDArray[np.datetime64]) -> float | None:
    """Return how many of these distinct days make a year; None, if they are too few to tell.

    Longer gaps, more than ten times the usual, are holes in the data and do not count.
    """
    gaps = np.diff(days).astype(np.int64)
    if len(gaps) < ENOUGH:
        return None
    usual = gaps[gaps <= 10 * np.median(gaps)]
    return float(365.25 * len(usual) / usual.sum())


def _per_year(expected: float, seen: float | None) -> float:
    if seen is None or abs(seen / expected - 1) <= TOLERANCE:
        return float(expected)
    return float(round(seen))
