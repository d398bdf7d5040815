"""When US exchanges are closed, and when they close early, by their rules: for the calendar that needs no package."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Days = NDArray[np.datetime64]

NAME = "us-equity"
LAST = "2100-12-31"
# Half days that no rule gives: around Christmas and the turn of a year.
BESIDE = ("1997-12-26", "1999-12-31", "2003-12-26")
EARLY, EARLY_THEN, SINCE = 13, 14, np.datetime64("1993-01-01")  # hours in New York; until 1992 they closed at 14:00


@cache
def holidays() -> Days:
    """Return the weekdays from 1998 to 2100 on which US exchanges are closed, by their rules."""
    from pandas.tseries import holiday as known

    rules = [
        known.Holiday("New Year", month=1, day=1, observance=known.sunday_to_monday),
        known.USMartinLutherKingJr,
        known.USPresidentsDay,
        known.GoodFriday,
        known.USMemorialDay,
        known.Holiday(
            "Juneteenth", month=6, day=19, start_date=pd.Timestamp("2022-06-01"), observance=known.nearest_workday
        ),
        known.Holiday("Independence Day", month=7, day=4, observance=known.nearest_workday),
        known.USLaborDay,
        known.USThanksgivingDay,
        known.Holiday("Christmas", month=12, day=25, observance=known.nearest_workday),
    ]
    calendar = known.AbstractHolidayCalendar("NYSE", rules)
    days = calendar.holidays(pd.Timestamp("1998-01-01"), pd.Timestamp(LAST))
    weekdays: Days = days[days.day_of_week < 5].to_numpy().astype("datetime64[D]")
    return weekdays


@cache
def half_days() -> tuple[Days, Days]:
    """Return the sessions from 1990 to 2100 that end early, and when in UTC, ``datetime64[us]``.

    The day after Thanksgiving since 1992; Christmas Eve, where it is a Monday to Thursday (else it is a holiday, or on
    a weekend); the day before Independence Day since 1995, where that is a Tuesday to Friday, but until 2012 the
    Friday after it, where it was a Thursday; and three days that no rule gives. Source: the New York Stock Exchange.
    """
    found = [np.array(BESIDE, dtype="datetime64[D]")]
    for year in range(1990, int(LAST[:4]) + 1):
        if year >= 1992:
            november = np.datetime64(f"{year}-11-01") + np.arange(30)
            found.append(november[_weekday(november) == 3][3:4] + 1)
        if year >= 1995:
            fourth = np.datetime64(f"{year}-07-04")
            bridge = year < 2013 and _weekday(fourth) == 3
            found += [np.array([fourth + (1 if bridge else -1)])] * bool(1 <= _weekday(fourth) <= 4)
        eve = np.datetime64(f"{year}-12-24")
        found += [np.array([eve])] * bool(_weekday(eve) <= 3)
    days = np.sort(np.concatenate(found))
    hours = np.where(days < SINCE, EARLY_THEN, EARLY)
    local = pd.DatetimeIndex(days.astype("datetime64[us]")) + pd.to_timedelta(hours, unit="h")
    utc = local.tz_localize("America/New_York").tz_convert("UTC").tz_localize(None)
    return days, utc.to_numpy().astype("datetime64[us]")


def _weekday(days: NDArray[np.datetime64] | np.datetime64) -> NDArray[np.int64]:
    """Return the days of the week, Monday being 0."""
    return (np.asarray(days).astype("datetime64[D]").astype(np.int64) + 3) % 7
