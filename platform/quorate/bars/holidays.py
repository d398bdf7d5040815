"""Weekdays on which markets are closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quorate.bars import exchanges, us_equity
from quorate.bars.calendar import CALENDARS, Calendar

Days = NDArray[np.datetime64]


def closed_weekdays(calendar: Calendar, first: np.datetime64, last: np.datetime64) -> Days:
    """Return the weekdays from a session to another on which the market is closed; none where unknown."""
    if calendar.name == us_equity.NAME:
        days = us_equity.holidays()
        return days[np.searchsorted(days, first) : np.searchsorted(days, last, "right")]
    if calendar.name not in CALENDARS and calendar.name in exchanges.exchange_names():
        return exchanges.closed_days(calendar.name, str(first), str(last))
    return np.array([], dtype="datetime64[D]")
