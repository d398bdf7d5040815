"""Weekdays on which markets are closed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from quorate.bars import exchanges
from quorate.bars.calendar import CALENDARS, Calendar

Days = NDArray[np.datetime64]


def closed_weekdays(calendar: Calendar, first: np.datetime64, last: np.datetime64) -> Days:
    """Return the weekdays from a session to another on which the market is closed; none where unknown."""
    if calendar.name == "us-equity":
        days = us_holidays()
        return days[np.searchsorted(days, first) : np.searchsorted(days, last, "right")]
    if calendar.name not in CALENDARS and calendar.name in exchanges.exchange_names():
        return exchanges.closed_days(calendar.name, str(first), str(last))
    return np.array([], dtype="datetime64[D]")


@cache
def us_holidays() -> Days:
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
    days = calendar.holidays(pd.Timestamp("1998-01-01"), pd.Timestamp("2100-12-31"))
    weekdays: Days = days[days.day_of_week < 5].to_numpy().astype("datetime64[D]")
    return weekdays
