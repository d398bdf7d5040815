"""Sessions that are missing or extra beside the calendar's, and those that end early."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.panel import Bars
from quorate.bars.sessions import sessions_told
from quorate.bars.us_equity import half_days


def daily(calendar, symbols):
    """Bars of symbols on the dates given of each."""
    clock, frames = quorate.get_calendar(calendar), []
    for name, days in symbols.items():
        times = pd.DatetimeIndex(clock.close_times(np.array(days, dtype="datetime64[D]"))).tz_localize("UTC")
        frames.append(
            pd.DataFrame({"symbol": name, "time": times, **dict.fromkeys(["open", "high", "low", "close"], 1.0)})
        )
    return Bars.from_frame(pd.concat(frames), clock)


def days(first, last, calendar="XNYS"):
    import exchange_calendars

    return exchange_calendars.get_calendar(calendar).sessions_in_range(first, last).strftime("%Y-%m-%d").tolist()


def test_missing_and_extra_sessions_and_half_days_are_named_with_how_many_symbols():
    whole = days("2023-06-01", "2023-07-31")
    some = [day for day in whole if day not in ("2023-06-14", "2023-06-20")]
    bars = daily("XNYS", {"A": whole[:4] + some[4:], "B": sorted([*some, "2023-07-04"]), "C": whole[-5:]})
    told = {(row["session"], row["kind"]): (row["symbols"], row["of"], row["note"]) for row in sessions_told(bars)}
    assert told == {
        ("2023-06-14", "missing"): (2, 2, "no symbol has a bar: the market may have been closed"),
        ("2023-06-20", "missing"): (2, 2, "no symbol has a bar: the market may have been closed"),
        ("2023-07-03", "half day"): (2, 2, "closes at 13:00"),
        ("2023-07-04", "extra"): (1, 2, "a holiday"),
    }


def test_the_half_days_of_us_equity_are_those_of_new_york_from_1990_on():
    import exchange_calendars

    known = exchange_calendars.get_calendar("XNYS", start="1990-01-01", end="2030-12-31")
    closes = known.schedule["close"].loc[known.early_closes].dt.tz_localize(None)
    days, times = half_days()
    until = np.searchsorted(days, np.datetime64("2030-12-31"), "right")
    assert days[:until].tolist() == closes.index.date.tolist()
    assert (times[:until] == closes.to_numpy()).all()
    assert days[-1] == np.datetime64("2100-12-23") - 27  # the day after Thanksgiving; Christmas Eve is a Friday
    sessions = known.sessions.to_numpy().astype("datetime64[D]")
    every = known.schedule["close"].dt.tz_localize(None).to_numpy()
    assert (quorate.get_calendar("us-equity").close_times(sessions) == every).all()


def test_each_market_tells_what_its_calendar_knows():
    weekdays = pd.bdate_range("2023-06-01", "2023-06-30").strftime("%Y-%m-%d").tolist()
    assert [row["session"] for row in sessions_told(daily("us-equity", {"A": weekdays}))] == ["2023-06-19"]
    assert not sessions_told(daily("weekdays", {"A": weekdays}))
    always = sessions_told(daily("24x7", {"A": weekdays}))
    assert {row["kind"] for row in always} == {"missing"}
    assert len(always) == 8
    assert not sessions_told(daily("us-equity", {"A": weekdays[::7]}))  # weekly bars say nothing of days


def test_a_half_day_is_known_at_its_own_close():
    day = np.array(["2023-07-03"], dtype="datetime64[D]")
    assert quorate.get_calendar("XNYS").close_times(day)[0] == np.datetime64("2023-07-03T17:00")
    assert quorate.get_calendar("us-equity").close_times(day)[0] == np.datetime64("2023-07-03T17:00")
    always = quorate.get_calendar("us-equity").around_the_clock()
    assert always.close_times(day)[0] == np.datetime64("2023-07-04T04:00")
    # Tokyo closes half an hour later since 2024-11-05.
    later = np.array(["2024-11-01", "2024-11-05"], dtype="datetime64[D]")
    closes = quorate.get_calendar("XTKS").close_times(later).astype("datetime64[m]")
    assert closes.tolist() == np.array(["2024-11-01T06:00", "2024-11-05T06:30"], dtype="datetime64[m]").tolist()
    assert (quorate.get_calendar("XTKS").open_times(later) == later.astype("datetime64[us]")).all()


def test_bars_after_an_early_close_are_told():
    hours = pd.date_range("2023-07-03 09:30", "2023-07-03 15:30", freq="60min", tz="America/New_York")
    times = (
        pd.DatetimeIndex([h + pd.Timedelta(days=k) for k in range(-4, 3) for h in hours]) + pd.Timedelta("60min")
    ).tz_convert("UTC")
    frame = pd.DataFrame({"symbol": "A", "time": times, **dict.fromkeys(["open", "high", "low", "close"], 1.0)})
    for calendar in ("XNYS", "us-equity"):
        [half] = [row for row in sessions_told(Bars.from_frame(frame, calendar)) if row["kind"] == "half day"]
        assert half["note"] == "closes at 13:00; 4 bars lie after that"


@pytest.mark.parametrize("calendar, expected", [("XNYS", 1744), ("us-equity", 1744)])
def test_hours_of_half_days_are_counted_among_those_of_a_year(calendar, expected):
    clock, exchange = quorate.get_calendar(calendar), quorate.get_calendar("XNYS")
    sessions = np.array(days("2018-01-02", "2020-12-31"), dtype="datetime64[D]")
    stamps = [
        np.arange(first + np.timedelta64(60, "m"), last + np.timedelta64(60, "m"), np.timedelta64(60, "m"))
        for first, last in zip(exchange.open_times(sessions), exchange.close_times(sessions), strict=True)
    ]
    times = np.concatenate(stamps).astype("datetime64[us]")
    frame = {"symbol": "A", "time": pd.DatetimeIndex(times).tz_localize("UTC")}
    bars = Bars.from_frame(pd.DataFrame({**frame, **dict.fromkeys(["open", "high", "low", "close"], 1.0)}), clock)
    assert bars.bars_per_year == pytest.approx(expected, rel=0.01)
