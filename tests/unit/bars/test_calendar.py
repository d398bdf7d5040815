"""How many bars a year has: counted, and that of known markets."""

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from quorate.bars import exchanges
from quorate.bars.calendar import Calendar, get_calendar, infer_frequency
from quorate.bars.panel import Bars
from quorate.bars.quality import wrong_calendar
from quorate.errors import DataError


def every(step, zone, days, *, weeks=150, start="2017-01-01", opens="00:00", closes="24:00"):
    """Return closes of bars on these days of the week (Monday is 0), from one time of day to another."""
    times = pd.date_range(start, periods=weeks * 7 * 24 * 60 // step, freq=f"{step}min")
    minute = times.hour * 60 + times.minute
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (opens, closes))
    inside = np.isin(times.day_of_week, days) & (minute >= first) & (minute < last)
    return times[inside].tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dropna() + pd.Timedelta(minutes=step)


def fx(step, zone="America/New_York", pause=False, **more):
    """Return closes from Sunday 17:00 to Friday 17:00; `pause`: an hour each day is left out."""
    times = every(step, zone, range(7), **more) - pd.Timedelta(minutes=step)
    day, hour = times.day_of_week, times.hour
    start = 18 if pause else 17
    open_ = ((day == 6) & (hour >= start)) | (day < 4) | ((day == 4) & (hour < 17))
    return times[open_ & ~((hour == 17) & pause)] + pd.Timedelta(minutes=step)


def without(times, share):
    """Return the times without some dates, as holidays are."""
    days = times.normalize()
    unique = days.unique()
    left_out = unique[:: round(1 / share)]
    return times[~days.isin(left_out)]


NY = "America/New_York"
SESSIONS = every(5, NY, range(5), opens="09:30", closes="16:00")
# Market, calendar, bars, and how many of them a year has.
MARKETS = {
    "US equities by the hour": ("us-equity", every(60, NY, range(5), opens="09:00", closes="16:00"), 7 * 260.9),
    "US equities, holidays": (  #
        "us-equity",
        without(every(5, NY, range(5), opens="09:30", closes="16:00"), 1 / 28),
        78 * 251.6,
    ),
    "FX by the hour": ("weekdays", fx(60), 6240),
    "FX by the hour, any day": ("24x7", fx(60), 6240),
    "FX by the minute": ("weekdays", fx(5), 12 * 6240),
    "futures with a pause": ("weekdays", fx(15, pause=True), 4 * 23 * 260.9),
    "crypto by the hour": ("24x7", every(60, "UTC", range(7)), 8760),
    "crypto, four hours": ("24x7", every(240, "UTC", range(7)), 2190),
}


def per_year(times, calendar):
    clock = get_calendar(calendar)
    stamps = times.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]")
    return infer_frequency(stamps, clock.sessions(stamps), clock)[1]


@pytest.mark.parametrize("calendar, times, expected", MARKETS.values(), ids=MARKETS)
def test_the_bars_of_a_year_are_those_of_known_markets(calendar, times, expected):
    assert per_year(times, calendar) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("bars", [121, 300, 1000, 3000, 12_000])
def test_any_length_of_a_market_of_five_days_gives_the_same(bars):
    assert per_year(fx(60)[:bars], "weekdays") == pytest.approx(6240, rel=5e-3)


@pytest.mark.parametrize("bars", [30, 100, 1000, 12_000])
def test_any_length_of_a_market_that_never_closes_gives_the_same(bars):
    assert per_year(every(60, "UTC", range(7))[:bars], "24x7") == pytest.approx(8760, rel=5e-3)


@pytest.mark.parametrize("calendar, times, expected", MARKETS.values(), ids=MARKETS)
def test_a_hole_is_no_part_of_a_year(calendar, times, expected):
    hole = (times < times[len(times) // 3]) | (times > times[len(times) // 3] + pd.Timedelta(days=200))
    assert per_year(times[hole], calendar) == pytest.approx(expected, rel=6e-3)


def test_a_first_evening_a_missing_bar_and_a_day_cut_off_change_little():
    times = pd.date_range("2024-01-01 23:30", "2024-01-03 23:00", freq="15min", tz="UTC").delete(50)
    assert per_year(times, "24x7") == pytest.approx(35_040, rel=0.01)


@pytest.mark.parametrize("name", ["FX by the hour", "futures with a pause", "US equities by the hour"])
def test_what_is_counted_draws_no_warning(name):
    calendar, times, _ = MARKETS[name]
    frame = pd.DataFrame({"symbol": "A", "time": times, **dict.fromkeys(["open", "high", "low", "close"], 1.0)})
    assert wrong_calendar(Bars.from_frame(frame, calendar)) == ""


def test_the_advice_for_a_market_that_never_closes_leads_to_the_right_figure():
    times = every(60, "UTC", range(7))
    frame = pd.DataFrame({"symbol": "A", "time": times, **dict.fromkeys(["open", "high", "low", "close"], 1.0)})
    said = wrong_calendar(Bars.from_frame(frame, "us-equity"))
    assert said.startswith("29% of the bars fall on weekends")
    assert 'data.calendar = "24x7"' in said
    advised = Bars.from_frame(frame, "24x7")
    assert advised.bars_per_year == pytest.approx(8760, rel=5e-3)
    assert wrong_calendar(advised) == ""


def real(exchange, step):
    """Return closes of an exchange's bars, as its own sessions, half days and breaks have them, and the years."""
    schedule = exchange_calendars.get_calendar(exchange, start="2019-01-01", end="2022-12-31", side="left")
    minutes = schedule.minutes
    local = minutes.tz_convert(schedule.tz)
    begins = (local.hour * 60 + local.minute) // step * step
    bar = local.normalize() + pd.to_timedelta(begins + step, unit="min")
    days = (schedule.last_session - schedule.first_session).days + 1
    return bar.unique(), days / 365.25


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("exchange, step", [("XASX", 60), ("XTKS", 5), ("XSHG", 15), ("XLON", 60), ("XNYS", 15)])
def test_real_sessions_with_half_days_and_breaks_are_counted(exchange, step):
    times, years = real(exchange, step)
    assert per_year(times, exchange) == pytest.approx(len(times) / years, rel=5e-3)
    assert per_year(times, "weekdays") == pytest.approx(len(times) / years, rel=5e-3)


def test_an_exchange_is_known_by_its_hours_and_its_sessions():
    assert repr(get_calendar("XETR")) == repr(Calendar("XETR", "Europe/Berlin", "17:30", 254))
    assert get_calendar("XETR").open == "09:00"
    assert get_calendar("NYSE") == get_calendar("XNYS")  # by either name
    tokyo = get_calendar("XTKS")  # closed at 15:00 until November 2024: a bar is never known too early
    assert (tokyo.open, tokyo.close) == ("09:00", "15:30")


def test_sessions_of_futures_begin_on_the_day_before():
    futures = get_calendar("CMES")
    assert (futures.open, futures.close, futures.overnight) == ("17:00", "17:00", True)
    # From Sunday at 17:00 in Chicago on it is Monday; the bar that ends then is the last of the session before.
    stamps = ["2024-01-07T23:00", "2024-01-07T23:01", "2024-01-08T20:00", "2024-01-08T23:00", "2024-01-08T23:01"]
    sessions = futures.sessions(np.array(stamps, dtype="datetime64[us]"))
    assert sessions.astype(str).tolist() == ["2024-01-07", "2024-01-08", "2024-01-08", "2024-01-08", "2024-01-09"]
    summer = np.array(["2024-07-08"], dtype="datetime64[D]")
    assert str(futures.open_times(summer)[0]) == "2024-07-07T22:00:00.000000"
    assert str(futures.close_times(summer)[0]) == "2024-07-08T22:00:00.000000"


@pytest.mark.parametrize(
    "name, match",
    [
        (
            "XSAU",
            r"calendar 'XSAU': a session of this market ends on the day after, or lies on a weekend.*set data.calendar",
        ),
        ("XETRA", r"unknown calendar 'XETRA': .*an exchange such as \"XETR\".*did you mean 'XETR'"),
        ("XTAE", r"calendar 'XTAE': "),
    ],
)
def test_a_market_that_has_no_calendar_here_is_refused(name, match):
    with pytest.raises(DataError, match=match):
        get_calendar(name)


def test_without_the_extra_what_to_install_is_told(monkeypatch):
    exchanges.exchange_names.cache_clear()
    monkeypatch.setattr(exchanges, "installed", lambda: False)
    with pytest.raises(DataError, match=r"unknown calendar 'XETR': .*pip install 'quorate\[calendars\]'"):
        get_calendar("XETR")
    exchanges.exchange_names.cache_clear()


@pytest.mark.parametrize(
    "said, meant",
    [("crypto", "24x7"), ("24/7", "24x7"), ("Binance", "24x7"), ("forex", "weekdays"), ("24x5", "weekdays"),
     ("stocks", "us-equity"), ("US equities", "us-equity"), ("us_equity", "us-equity")],
)  # fmt: skip
def test_what_people_call_a_calendar_is_told_by_its_name(said, meant):
    with pytest.raises(DataError, match=f"unknown calendar '{said}'.*; did you mean .*'{meant}'"):
        get_calendar(said)


def framed(times, calendar):
    frame = pd.DataFrame({"symbol": "A", "time": times, **dict.fromkeys(["open", "high", "low", "close"], 1.0)})
    return Bars.from_frame(frame, calendar)


def test_holes_of_days_are_no_part_of_a_year_where_a_market_never_closes():
    times = every(60, "UTC", range(7))
    inside = np.arange(len(times)) % 2000 >= 60
    assert per_year(times[inside], "24x7") == pytest.approx(8760, rel=5e-3)


def test_a_market_that_rests_is_not_advised_to_be_one_that_never_closes():
    tokyo = every(60, "Asia/Tokyo", range(5), opens="09:00", closes="15:00").tz_convert("UTC")
    said = wrong_calendar(framed(tokyo, "us-equity"))
    assert "fall on weekends" in said
    assert said.endswith('set data.calendar to the one of the market, or else "weekdays"')
    assert wrong_calendar(framed(tokyo, "weekdays")) == ""


def test_the_advice_for_days_from_sunday_to_friday_is_no_circle():
    days = pd.date_range("2015-01-01", "2018-12-31", tz="UTC")
    six = days[days.day_of_week != 5] + pd.Timedelta(days=1)
    assert 'data.calendar = "24x7"' in wrong_calendar(framed(six, "weekdays"))
    advised = framed(six, "24x7")
    assert wrong_calendar(advised) == ""
    assert advised.bars_per_year == pytest.approx(313, abs=1)
