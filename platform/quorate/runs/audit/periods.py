"""What records come to by the period, found again from the records themselves, without the code that a run reads by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quorate.bars.holidays import closed_weekdays
from quorate.bars.periods import ZERO, Periods

DAY = np.timedelta64(1, "D")
AROUND = pd.Timedelta(days=70)  # in which a month ends, and that before it


def ends_of(times: pd.DatetimeIndex, over: Periods) -> pd.DatetimeIndex:
    """Return the end of the period that each time is in, looked up among the sessions around it."""
    clock = over.calendar
    local = times.tz_convert(clock.timezone).tz_localize(None)
    every = pd.date_range((local.min() - AROUND).normalize(), (local.max() + AROUND).normalize())
    if clock.sessions_per_year <= 300:
        off = closed_weekdays(clock, *(np.datetime64(day, "D") for day in (every[0], every[-1])))
        every = every[(every.day_of_week < 5) & ~every.isin(off)]
    closes = _closes(every, over)
    place = closes.searchsorted(times)
    if over.frequency not in ("1d", "1w", "1mo"):
        days = every[place].to_numpy().astype("datetime64[D]")
        begins = clock.open_times(days) if clock.open else clock.around_the_clock().close_times(days - 1)
        opens, step = pd.DatetimeIndex(begins).tz_localize("UTC"), pd.Timedelta(over.frequency)
        ends = opens + np.ceil((times - opens) / step) * step
        return pd.DatetimeIndex(ends.where(ends < closes[place], closes[place]))
    midnight = (local == local.normalize()) & over.dates
    at = every[np.where(midnight, every.searchsorted(local.normalize() - pd.Timedelta(days=1)), place)]
    always = clock.sessions_per_year > 300
    if over.frequency == "1w":
        at = at + pd.TimedeltaIndex(((6 if always else 4) - at.day_of_week.to_numpy()) % 7 * DAY)
    elif over.frequency == "1mo":
        at = at + (pd.offsets.MonthEnd(0) if always else pd.offsets.BMonthEnd(0))
    return _closes(pd.DatetimeIndex(at), over)


def _closes(days: pd.DatetimeIndex, over: Periods) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(over.calendar.close_times(days.to_numpy().astype("datetime64[D]"))).tz_localize("UTC")


def by_period(
    told: pd.DataFrame, close: pd.Timestamp, column: str, over: Periods, ends: pd.DatetimeIndex
) -> pd.DataFrame:
    """Return what the latest period comes to of the records that are known at a close: a row for each whose they are.

    Parameters
    ----------
    told : DataFrame
        Known by then, of one symbol and of all, with the ``end`` of the period of each.
    column : str
        Of the value; where there is none, what is asked is of when the period is.
    ends : DatetimeIndex
        Of the periods of the bars.
    """
    lag = pd.Timedelta(over.lag, unit="us")
    told = told[told["end"] + lag <= close]
    how = over.how.get(column.removeprefix("value."), "last")
    due = ends[ends + lag <= close]
    rows = []
    for symbol, own in told.groupby("symbol"):
        said = own[own[column].notna()] if column in own and how not in ZERO else own
        if said.empty:
            continue
        last = said[said["end"] == said["end"].max()]
        known = max(last["known"].max(), last["end"].iloc[0] + lag)
        row = {"symbol": symbol, "time": last["end"].iloc[0], "known": known}
        if column in own:
            once = last[last[column].notna()].sort_values(["time", "known"], kind="stable")
            values = once.drop_duplicates("time", keep="last")[column]
            row[column] = values.iloc[-1] if how == "last" else values.agg(how)
            if how in ZERO and len(due) and last["end"].iloc[0] < due.max():
                row[column] = 0.0
        rows.append(row)
    return pd.DataFrame(rows, columns=["symbol", "time", "known", *([column] if column in told else [])])
