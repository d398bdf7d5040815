"""Longer bars of shorter ones: what pandas makes of them by hand, session by session, and nothing that is not over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.calendar import Calendar, get_calendar
from quorate.bars.frequency import read_frequency
from quorate.bars.resample import at_frequency, in_hours, lacking, resample
from quorate.errors import DataError

HOW = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
NEW_YORK = get_calendar("us-equity")
FUTURES = Calendar("futures", "America/Chicago", "16:00", 252, "17:00")
LOCAL = Calendar("around", "America/New_York", "24:00", 365)  # days of 23 and of 25 hours


def stamps(first, last, minutes, step=1, zone="America/New_York", days="B"):
    """Return stamps, in UTC, at these minutes of the days, the first after the begin."""
    at = (
        pd.date_range(first, last, freq=days).to_numpy()[:, None]
        + pd.to_timedelta(np.arange(minutes[0] + step, minutes[1] + 1, step), unit="min").to_numpy()
    )
    return pd.DatetimeIndex(at.ravel()).tz_localize(zone).tz_convert("UTC")


def frame_of(times, symbol="A", seed=0):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.001, len(times))))
    open = np.concatenate(([100.0], close[:-1])) * np.exp(rng.normal(0, 1e-4, len(times)))
    high, low = np.maximum(open, close) * 1.0002, np.minimum(open, close) * 0.9998
    volume = rng.integers(1, 100, len(times)).astype(float)
    return pd.DataFrame(
        {"symbol": symbol, "time": times, "open": open, "high": high, "low": low, "close": close, "volume": volume}
    )


def check(bars, wanted, frame, ends):
    """Compare with a frame grouped by when the bars that its rows are in end, each a stamp in UTC."""
    for symbol, rows in frame.groupby("symbol"):
        expected = rows.groupby(np.asarray(ends)[rows.index]).agg(HOW)
        column = bars.symbols.index(symbol)
        there = bars.present[:, column]
        got = pd.DataFrame({name: getattr(bars, name)[there, column] for name in HOW}, index=bars.times[there])
        assert got.index.to_list() == pd.DatetimeIndex(expected.index).to_list()
        np.testing.assert_allclose(got[[*HOW]].to_numpy(), expected[[*HOW]].to_numpy(), rtol=1e-12)
    assert bars.frequency == wanted


def naive(times):
    return pd.DatetimeIndex(times).tz_convert("UTC").tz_localize(None)


@pytest.mark.parametrize("rule, wanted", [("5min", "5min"), ("1h", "60min"), ("4h", "240min"), ("24h", "1d")])
def test_around_the_clock_it_is_pandas_resample(rule, wanted):
    frame = frame_of(stamps("2024-03-04", "2024-03-13", (0, 1440), zone="UTC", days="D"))
    made = resample(quorate.Bars.from_frame(frame, "24x7"), wanted)
    expected = frame.set_index("time").resample(rule, label="right", closed="right").agg(HOW)
    assert made.bars.times.tolist() == naive(expected.index).to_numpy().astype("datetime64[us]").tolist()
    for name in HOW:
        np.testing.assert_allclose(getattr(made.bars, name)[:, 0], expected[name], rtol=1e-12)
    assert (made.told, made.bars.frequency) == ((), wanted)


def test_days_are_sessions_over_a_change_of_the_clock_and_half_days_with_symbols_of_their_own():
    times = stamps("2023-11-01", "2023-12-29", (570, 960))
    local = times.tz_convert("America/New_York")
    half = pd.Index(local.strftime("%m-%d")).isin(["11-24"]) & (local.hour * 60 + local.minute > 13 * 60)
    one = frame_of(times[~half])
    other = frame_of(times[~half & (local.strftime("%m-%d") != "12-05")][::3], "B", 1)  # few, and not on one day
    frame = pd.concat([one, other], ignore_index=True)
    made = resample(quorate.Bars.from_frame(frame), "1d")
    day = frame["time"].dt.tz_convert("America/New_York").dt.normalize()
    early = pd.to_timedelta(np.where(day.dt.strftime("%m-%d") == "11-24", 13, 16), unit="h")
    check(made.bars, "1d", frame, naive(day + early))
    assert made.bars.sessions.tolist() == NEW_YORK.sessions(made.bars.times).tolist()
    assert not made.bars.present[:, 1].all()


def test_weeks_end_on_friday_and_months_on_their_last_weekday_whatever_is_a_holiday():
    days = pd.bdate_range("2024-01-02", "2024-06-28")
    days = days[~days.isin(["2024-03-29", "2024-05-27"])]  # Good Friday, the last weekday of a month; a Monday
    times = (days + pd.Timedelta(hours=16)).tz_localize("America/New_York").tz_convert("UTC")
    frame = frame_of(times)
    bars = quorate.Bars.from_frame(frame)
    friday = days + pd.to_timedelta(4 - days.day_of_week, unit="D") + pd.Timedelta(hours=16)
    weeks = resample(bars, "1w")
    check(weeks.bars, "1w", frame, naive(friday.tz_localize("America/New_York")))
    assert "2024-03-29T20:00:00.000000" in np.datetime_as_string(weeks.bars.times).tolist()
    last = days.to_period("M").to_timestamp(how="end").normalize()
    last = last - pd.to_timedelta(np.maximum(last.day_of_week - 4, 0), unit="D") + pd.Timedelta(hours=16)
    check(resample(bars, "1mo").bars, "1mo", frame, naive(last.tz_localize("America/New_York")))


def test_where_a_market_never_closes_weeks_end_on_sunday_and_months_on_their_last_day():
    days = pd.date_range("2024-01-01", "2024-06-30")
    frame = frame_of((days + pd.Timedelta(days=1)).tz_localize("UTC"))
    bars = quorate.Bars.from_frame(frame, "24x7")
    sunday = days + pd.to_timedelta(7 - days.day_of_week, unit="D")
    check(resample(bars, "1w").bars, "1w", frame, sunday)
    check(resample(bars, "1mo").bars, "1mo", frame, days.to_period("M").to_timestamp() + pd.offsets.MonthBegin())


def test_what_a_market_has_on_sunday_evening_is_of_the_week_after():
    hours = pd.date_range("2024-01-01", "2024-02-10", freq="60min", tz="UTC")[1:]
    before = hours - pd.Timedelta(1, "us")
    open = (before.day_of_week < 5) & ~((before.day_of_week == 4) & (before.hour >= 22))
    hours = hours[open | ((before.day_of_week == 6) & (before.hour >= 22))]
    frame = frame_of(hours)
    day = (hours - pd.Timedelta(1, "us")).normalize()
    friday = day + pd.to_timedelta((4 - day.day_of_week) % 7 + 1, unit="D")
    made = resample(quorate.Bars.from_frame(frame, "weekdays"), "1w")
    whole = frame[friday <= hours[-1]]
    check(made.bars, "1w", whole, naive(friday))
    assert "ends at 2024-02-10 00:00 UTC" in made.told[0]


def test_sessions_of_futures_begin_on_the_evening_before():
    minutes = pd.date_range("2024-03-03 17:05", "2024-03-15 16:00", freq="5min", tz="America/Chicago")
    begun = minutes - pd.Timedelta(1, "us")
    rest = (begun.hour == 16) | (begun.day_of_week == 5) | ((begun.day_of_week == 6) & (begun.hour < 17))
    minutes = minutes[~(rest | ((begun.day_of_week == 4) & (begun.hour > 16)))]
    frame = frame_of(minutes.tz_convert("UTC"))
    bars = quorate.Bars.from_frame(frame, FUTURES)
    begun = minutes - pd.Timedelta(1, "us")
    day = (begun.tz_localize(None) + pd.Timedelta(hours=7)).normalize()
    close = day + pd.Timedelta(hours=16)
    check(resample(bars, "1d").bars, "1d", frame, naive(close.tz_localize("America/Chicago")))
    opens = (close - pd.Timedelta(hours=23)).tz_localize("America/Chicago")
    four = opens + ((minutes - opens) / pd.Timedelta(hours=4)).map(np.ceil) * pd.Timedelta(hours=4)
    ends = np.minimum(naive(four), naive(close.tz_localize("America/Chicago")))
    check(resample(bars, "240min").bars, "240min", frame, ends)


@pytest.mark.parametrize("first, hours", [("2024-03-09", 23), ("2024-11-02", 25)])
def test_days_of_23_and_of_25_hours_are_cut_from_their_begin(first, hours):
    begin = pd.Timestamp(first, tz=LOCAL.timezone)
    times = pd.date_range(begin, begin + pd.DateOffset(days=4), freq="30min")[1:]
    day = (times - pd.Timedelta(1, "us")).normalize()
    end = (day.tz_localize(None) + pd.Timedelta(days=1)).tz_localize(LOCAL.timezone)
    bars = quorate.Bars.from_frame(frame_of(times.tz_convert("UTC")), LOCAL)
    four = day + ((times - day) / pd.Timedelta(hours=4)).map(np.ceil) * pd.Timedelta(hours=4)
    check(resample(bars, "240min").bars, "240min", frame_of(times), np.minimum(naive(four), naive(end)))
    days = resample(bars, "1d").bars
    assert np.diff(days.times).astype("timedelta64[h]").astype(int).tolist()[:1] == [hours]


def test_minutes_outside_the_hours_are_in_no_longer_bar_unless_they_are_asked_for():
    frame = frame_of(stamps("2024-03-04", "2024-03-15", (480, 1080)))  # over the change of the clock
    bars = quorate.Bars.from_frame(frame)
    local = frame["time"].dt.tz_convert("America/New_York")
    minute = local.dt.hour * 60 + local.dt.minute
    inside = frame[(minute > 570) & (minute <= 960)]
    made = resample(bars, "1d")
    check(made.bars, "1d", inside, naive(local.dt.normalize() + pd.Timedelta(hours=16)))
    assert made.told == ("2,100 of 6,000 bars lie outside the session, 09:30 to 16:00, and are left out",)
    assert in_hours(bars).bars.times.tolist() == naive(inside["time"]).to_numpy().astype("datetime64[us]").tolist()
    around = resample(quorate.Bars.from_frame(frame, NEW_YORK.around_the_clock()), "1d")
    whole = frame[local < local.max().normalize()]
    check(around.bars, "1d", whole, naive(local.dt.normalize() + pd.Timedelta(days=1)))
    with pytest.raises(DataError, match=r"no bar lies within the session, 09:30 to 16:00 \(us-equity\)"):
        in_hours(quorate.Bars.from_frame(frame[minute > 960]))


def test_a_last_hour_that_the_close_cuts_short_is_known_at_the_close():
    frame = frame_of(stamps("2024-03-04", "2024-03-15", (570, 1000), step=60))  # the last one begins at 15:30
    bars = quorate.Bars.from_frame(frame)
    days = resample(bars, "1d").bars
    assert days.close[:, 0].tolist() == frame["close"][6::7].tolist()
    assert [str(time)[11:16] for time in days.times[[0, -1]]] == ["21:00", "20:00"]
    known = in_hours(bars).bars
    assert known.times[[6, 13]].tolist() == days.times[[0, 1]].tolist()
    assert known.close.tobytes() == bars.close.tobytes()


@pytest.mark.parametrize("frequency", ["15min", "1d", "1w"])
def test_only_bars_that_are_over_are_known(frequency):
    bars = quorate.Bars.from_frame(frame_of(stamps("2024-03-04", "2024-03-15", (570, 960), step=5)))
    whole = resample(bars, frequency).bars
    for stop in range(380, len(bars), 7):
        known = bars.until(stop)
        over = whole.times <= known.times[-1]
        if over.any():
            made = resample(known, frequency)
            assert made.bars.times.tolist() == whole.times[over].tolist()
            assert made.bars.close.tobytes() == whole.close[over].tobytes()
            assert made.bars.volume.tobytes() == whole.volume[over].tobytes()
            is_last = known.times[-1] == whole.times[over][-1]
            assert len(made.told) == (0 if is_last else 1)
    with pytest.raises(DataError, match=f"no bar of {frequency} is over: there are 2 bars"):
        resample(bars.until(2), frequency)


def test_a_category_is_that_of_the_last_bar_and_an_unknown_volume_stays_unknown():
    frame = frame_of(stamps("2024-03-04", "2024-03-06", (570, 960), step=30)).assign(venue=None)
    frame.loc[[5, 12, 30], "venue"] = ["X", "Y", "X"]
    frame.loc[14, "volume"] = np.nan
    days = resample(quorate.Bars.from_frame(frame, categories=["venue"]), "1d").bars
    venue = days.categories["venue"]
    assert [venue.levels[code] if code >= 0 else None for code in venue.codes[:, 0]] == ["Y", None, None]
    assert np.isnan(days.volume[:, 0]).tolist() == [False, True, False]


def test_what_a_bar_is_called_and_hashed_by_survives_where_its_stamps_do_not_show_it():
    bars = quorate.Bars.from_frame(frame_of(stamps("2024-03-04", "2024-03-22", (570, 960), step=30)))
    long = resample(bars, "240min").bars  # from the open to 13:30, and from there to the close
    assert quorate.Bars.from_frame(long.to_frame()).frequency == "150min"
    assert (long.frequency, long.until(9).frequency, long.take(2, 9).frequency) == ("240min",) * 3
    assert long.select(["A"]).fingerprint == long.fingerprint != quorate.Bars.from_frame(long.to_frame()).fingerprint
    days = resample(bars, "1d").bars
    assert days.fingerprint == quorate.Bars.from_frame(days.to_frame()).fingerprint


def test_bars_that_were_made_of_shorter_ones_are_cut_with_them():
    short = quorate.Bars.from_frame(frame_of(stamps("2024-03-04", "2024-03-15", (570, 960), step=30)))
    days = quorate.Bars(**{**resample(short, "1d").bars.__dict__, "finer": short})
    part = days.take(2, 5)
    assert part.finer is not None
    assert (part.finer.times[0], part.finer.times[-1]) == (short.times[26], days.times[4])
    assert len({days.fingerprint, part.fingerprint, resample(short, "1d").bars.fingerprint}) == 3
    assert at_frequency(days, "source")[1].tolist() == list(range(13, 131, 13))
    assert at_frequency(days, "60min")[1].tolist() == list(range(7, 71, 7))
    with pytest.raises(DataError, match=r"of 1d, and there are none of 60min: .*data\.resample"):
        at_frequency(resample(short, "1d").bars, "60min")


def test_bars_that_lack_within_sessions_are_counted_but_no_half_day():
    times = stamps("2024-11-18", "2024-12-06", (570, 960))
    local = times.tz_convert("America/New_York")
    times = times[~((local.strftime("%m-%d") == "11-29") & (local.hour * 60 + local.minute > 780))]
    whole = frame_of(times)
    assert lacking(quorate.Bars.from_frame(whole)) == []
    holes = whole.drop(index=[*range(10, 20), 400]).assign(symbol="B")
    told = lacking(quorate.Bars.from_frame(pd.concat([whole, holes])))
    assert told == [
        "B lacks 11 of 5,670 bars of 1min within its sessions, most of them, 10, on 2024-11-18",
    ]
    assert lacking(resample(quorate.Bars.from_frame(whole), "1d").bars) == []


@pytest.mark.parametrize(
    "text, known",
    [("1H", "60min"), ("4h", "240min"), ("90 minutes", "90min"), ("5m", "5min"), ("1D", "1d"), ("1mo", "1mo")],
)
def test_a_frequency_is_read_as_people_write_it(text, known):
    assert read_frequency(text) == known


@pytest.mark.parametrize(
    "text, match",
    [
        ("daily", r"it was 'daily'; did you mean '1d'\?"),
        ("W", r"did you mean '1w'\?"),
        ("2d", "minutes or hours below a day"),
        ("24h", "minutes or hours below a day"),
        ("0min", "minutes or hours below a day"),
    ],
)
def test_what_is_no_frequency_is_refused(text, match):
    with pytest.raises(DataError, match=match):
        read_frequency(text)


@pytest.mark.parametrize(
    "step, frequency, match",
    [
        (30, "5min", "bars of 30min cannot be made into bars of 5min, which are shorter: name 30min or a longer"),
        (30, "45min", "bars of 30min cannot be made into bars of 45min, which are no whole number of them"),
    ],
)
def test_shorter_bars_cannot_be_made(step, frequency, match):
    bars = quorate.Bars.from_frame(frame_of(stamps("2024-03-04", "2024-03-06", (570, 960), step=step)))
    with pytest.raises(DataError, match=match):
        resample(bars, frequency)


def test_months_are_not_made_of_weeks():
    fridays = pd.date_range("2023-01-06", periods=60, freq="W-FRI") + pd.Timedelta(hours=16)
    bars = quorate.Bars.from_frame(frame_of(fridays.tz_localize("America/New_York").tz_convert("UTC")))
    assert bars.frequency == "1w"
    with pytest.raises(DataError, match="bars of 1w cannot be made into bars of 1mo"):
        resample(bars, "1mo")
