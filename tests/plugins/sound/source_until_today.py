"""Bars up to today: there are more tomorrow, and none of them changes."""

import datetime

import numpy as np
import pandas as pd

import quorate


def walk(days, close="21:00", symbol="AAA"):
    rng = np.random.default_rng(5)
    price = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days))))
    return pd.DataFrame(
        {
            "symbol": symbol,
            "open": price * 0.999,
            "high": price * 1.01,
            "low": price * 0.99,
            "close": price,
            "volume": 1000.0,
        },
        index=days,
    )


def panel(frame, calendar="us-equity"):
    closes = quorate.get_calendar(calendar).close_times(frame.index.to_numpy().astype("datetime64[D]"))
    return quorate.Bars.from_frame(
        frame.assign(time=pd.DatetimeIndex(closes).tz_localize("UTC")).reset_index(drop=True), calendar
    )


def trading_days(first, n):
    from pandas.tseries.holiday import GoodFriday, USFederalHolidayCalendar

    days = pd.bdate_range(first, periods=n)
    off = USFederalHolidayCalendar().holidays(days[0], days[-1]).union(GoodFriday.dates(days[0], days[-1]))
    return days[~days.isin(off)]


def until_today(n_bars=600):
    days = trading_days("2019-01-02", 3000)
    frame = walk(days)
    return panel(frame[frame.index.date < min(datetime.date.today(), datetime.date(2026, 1, 1))])


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("until-today", until_today)
