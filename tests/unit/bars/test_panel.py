import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.bars.calendar import CALENDARS, infer_frequency


def long_frame(symbols=("A", "B"), days=("2020-01-02", "2020-01-03", "2020-01-06")):
    time = pd.DatetimeIndex(days).tz_localize("America/New_York") + pd.Timedelta(hours=16)
    parts = []
    for i, symbol in enumerate(symbols):
        close = 10.0 * (i + 1) + np.arange(len(days))
        prices = {"open": close - 0.5, "high": close + 1, "low": close - 1, "close": close, "volume": close * 100}
        parts.append(pd.DataFrame({"symbol": symbol, "time": time, **prices}))
    return pd.concat(parts, ignore_index=True)


def utc(*stamps):
    return np.array(stamps, dtype="datetime64[us]")


# --- the panel


def test_a_long_frame_becomes_a_wide_read_only_panel():
    bars = quorate.Bars.from_frame(long_frame())
    assert bars.symbols == ("A", "B")
    assert bars.close.tolist() == [[10, 20], [11, 21], [12, 22]]
    assert bars.close.flags.f_contiguous
    assert bars.times.dtype == np.dtype("datetime64[us]")
    assert str(bars.times[0]) == "2020-01-02T21:00:00.000000"
    assert (bars.frequency, bars.bars_per_year, bars.span) == ("1d", 252, "2020-01-02..2020-01-06")
    assert bars.fill("open") is bars.open
    assert bars.fill("close") is bars.close
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0, 0] = 1


def test_bars_that_a_symbol_lacks_are_nan():
    bars = quorate.Bars.from_frame(long_frame().drop(index=[3, 5]))
    assert bars.present.tolist() == [[True, False], [True, True], [True, False]]
    assert np.isnan(bars.volume[0, 1])
    assert len(bars.to_frame()) == 4


def test_symbols_may_be_interleaved_and_volume_absent():
    frame = long_frame()
    interleaved = frame.sort_values("time", kind="stable")
    assert quorate.Bars.from_frame(interleaved).fingerprint == quorate.Bars.from_frame(frame).fingerprint
    bare = quorate.Bars.from_frame(frame.drop(columns="volume"))
    assert not bare.has_volume
    assert "volume" not in bare.to_frame()


def test_to_frame_and_back_is_the_same_panel():
    bars = quorate.Bars.from_frame(long_frame().drop(index=3))
    assert quorate.Bars.from_frame(bars.to_frame()).fingerprint == bars.fingerprint


def test_the_fingerprint_covers_everything_and_not_the_stamps_resolution():
    frame = long_frame()
    bars = quorate.Bars.from_frame(frame)
    nanoseconds = frame.assign(time=frame["time"].dt.as_unit("ns"))
    assert quorate.Bars.from_frame(nanoseconds).fingerprint == bars.fingerprint
    changed = [
        quorate.Bars.from_frame(frame.assign(**{name: frame[name] * (1 + 1e-15)}))
        for name in ("open", "high", "low", "close", "volume")
    ]
    changed.append(quorate.Bars.from_frame(frame.replace({"symbol": {"A": "C"}})))
    changed.append(quorate.Bars.from_frame(frame.assign(time=frame["time"] + pd.Timedelta(microseconds=1))))
    changed.append(quorate.Bars.from_frame(frame, "weekdays"))
    assert len({bars.fingerprint, *(b.fingerprint for b in changed)}) == 9


def test_taking_a_part_keeps_the_clock():
    bars = quorate.Bars.from_frame(long_frame())
    assert bars.until(2).times.tolist() == bars.times[:2].tolist()
    assert bars.take(1, 3).close.tolist() == [[11, 21], [12, 22]]
    assert bars.take(1, 2).bars_per_year == 252
    assert bars.take(0, 3).fingerprint == bars.fingerprint
    assert bars.until(0).span == "empty"
    with pytest.raises(ValueError, match="read-only"):
        bars.until(2).close[0, 0] = 1


def test_selecting_symbols():
    bars = quorate.Bars.from_frame(long_frame(("AAA", "BBB")))
    assert bars.select(["BBB"]).close.tolist() == [[20], [21], [22]]
    with pytest.raises(quorate.DataError, match=r"no bars of symbol 'BBX'; did you mean 'BBB'\?"):
        bars.select(["BBX"])


def test_the_repr_is_one_short_line():
    assert repr(quorate.Bars.from_frame(long_frame())).startswith("Bars(A, B; 3 x 1d, 2020-01-02..2020-01-06, ")


# --- what is refused


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: f.drop(columns="close"), r"bars need a column 'close'; the columns are symbol, time"),
        (lambda f: f.rename(columns={"close": "closed"}), r"did you mean 'closed'"),
        (lambda f: f.iloc[:0], r"there are no bars"),
        (lambda f: f.assign(time=f["time"].dt.tz_localize(None)), r"'time' must be time-zone aware; its type is"),
        (lambda f: f.assign(time=f["time"].where(f.index != 2)), r"'time' has no stamp in row 2"),
        (lambda f: f.assign(symbol=f["symbol"].where(f.index != 4)), r"'symbol' has no name in row 4"),
        (lambda f: pd.concat([f, f.iloc[[1]]]), r"A has two bars at 2020-01-03 16:00:00-05:00 \(1 duplicated in all\)"),
        (lambda f: f.iloc[[0, 2, 1]], r"must be sorted by time; A at 2020-01-03 .* comes after a later bar \(1 such"),
        (lambda f: f.assign(open="x"), r"column 'open' must be numbers; its type is str, e\.g\. 'x'"),
        (
            lambda f: f.assign(low=f["low"].where(f.index != 1)),
            r"low must be a finite number: A at 2020-01-03 .* has nan",
        ),
        (lambda f: f.assign(high=np.inf), r"high must be a finite number: .* has inf; 6 of 6 bars are wrong"),
        (lambda f: f.assign(low=0.0), r"low must be positive: .* has 0"),
        (lambda f: f.assign(low=5e-324), r"low must lie between 1e-100 and 1e\+100, in whatever unit: .* has 4.94"),
        (lambda f: f.assign(high=1e308), r"high must lie between 1e-100 and 1e\+100, .* has 1e\+308"),
        (
            lambda f: f.assign(high=f["low"], low=f["high"]),
            r"high must not be below the low: .* has 9 \(low 11, high 9\)",
        ),
        (lambda f: f.assign(close=f["high"] + 1), r"close must lie between low and high"),
        (lambda f: f.assign(volume=-1), r"volume must not be negative"),
        (lambda f: f.assign(volume=np.inf), r"volume must not be infinite"),
        (lambda f: pd.concat([f, f[["open"]]], axis=1), r"each column once; there are several called 'open'"),
        (lambda f: f.assign(symbol=f["symbol"] + " "), r"the symbol 'A ' has spaces around its name"),
        (lambda f: f.to_dict(), r"a DataFrame, a row per symbol and bar; it was dict"),
        (lambda f: None, r"a DataFrame, a row per symbol and bar; it was NoneType"),
    ],
)
def test_wrong_frames_are_refused_naming_the_first_offender(change, message):
    with pytest.raises(quorate.DataError, match=message):
        quorate.Bars.from_frame(change(long_frame()))


def test_a_calendar_is_a_name_or_one():
    with pytest.raises(quorate.DataError, match=r"must be a name or a Calendar; it was None"):
        quorate.Bars.from_frame(long_frame(), None)


def test_what_is_refused_names_no_option_of_a_source():
    for change in (lambda f: pd.concat([f, f.iloc[[1]]]), lambda f: f.iloc[[0, 2, 1]], lambda f: f.assign(low=0.0)):
        with pytest.raises(quorate.DataError) as told:
            quorate.Bars.from_frame(change(long_frame()))
        assert "data." not in str(told.value)


def test_a_missing_volume_is_allowed_and_then_volume_is_not_whole():
    frame = long_frame()
    assert quorate.Bars.from_frame(frame).has_volume
    bars = quorate.Bars.from_frame(frame.assign(volume=frame["volume"].where(frame.index != 1)))
    assert not bars.has_volume
    assert bars.to_frame()["volume"].isna().sum() == 1


# --- calendars


def test_the_close_follows_summer_time():
    clock = quorate.get_calendar("us-equity")
    days = np.array(["2020-03-06", "2020-03-09", "2020-10-30", "2020-11-02"], dtype="datetime64[D]")
    closes = clock.close_times(days)
    assert [str(c)[11:16] for c in closes] == ["21:00", "20:00", "20:00", "21:00"]
    assert clock.sessions(closes).tolist() == days.tolist()


@pytest.mark.parametrize("name", sorted(CALENDARS))
def test_a_session_closes_in_itself_every_day_for_decades(name):
    clock = quorate.get_calendar(name)
    days = np.arange("1970-01-01", "2037-01-01", dtype="datetime64[D]")
    closes = clock.close_times(days)
    assert np.array_equal(clock.sessions(closes), days)
    assert (np.diff(closes) > np.timedelta64(0)).all()


def test_midnight_belongs_to_the_session_that_it_closes():
    clock = quorate.get_calendar("24x7")
    assert clock.close_times(np.array(["2020-01-01"], dtype="datetime64[D]"))[0] == np.datetime64("2020-01-02")
    sessions = clock.sessions(utc("2020-01-02T00:00", "2020-01-02T00:00:00.000001"))
    assert sessions.astype(str).tolist() == ["2020-01-01", "2020-01-02"]


def test_unknown_calendars_and_zones_are_refused():
    with pytest.raises(quorate.DataError, match=r"unknown calendar 'weekday': .*did you mean 'weekdays'"):
        quorate.get_calendar("weekday")
    with pytest.raises(quorate.DataError, match=r"unknown time zone 'Mars/Base'"):
        quorate.Calendar("mars", "Mars/Base", "16:00", 669)


@pytest.mark.parametrize(
    "calendar, start, step, count, expected",
    [
        ("us-equity", "2020-01-02T21:00", "1D", 1, ("1d", 252)),
        ("us-equity", "2020-01-06T21:00", "1D", 5, ("1d", 252)),
        ("us-equity", "2020-01-03T21:00", "7D", 5, ("1w", 52)),
        ("us-equity", "2020-01-31T21:00", "30D", 5, ("1mo", 12)),
        ("24x7", "2020-01-01T01:00", "1h", 240, ("60min", 8760)),
        ("24x7", "2020-01-01T00:05", "5min", 2880, ("5min", 105120)),
        ("24x7", "2020-01-02T00:00", "1D", 9, ("1d", 365)),
        ("weekdays", "2020-01-07T00:00", "1D", 4, ("1d", 260)),
    ],
)
def test_the_frequency_is_inferred(calendar, start, step, count, expected):
    clock = quorate.get_calendar(calendar)
    times = pd.date_range(start, periods=count, freq=step).to_numpy().astype("datetime64[us]")
    assert infer_frequency(times, clock.sessions(times), clock) == expected


def stamps(calendar, days):
    return calendar.close_times(pd.DatetimeIndex(days).to_numpy().astype("datetime64[D]"))


WEEKDAYS = pd.bdate_range("2015-01-01", "2018-12-31")
MON_WED_FRI = WEEKDAYS[WEEKDAYS.day_of_week.isin([0, 2, 4])]
HOLE = WEEKDAYS[(WEEKDAYS < "2016-01-01") | (WEEKDAYS > "2017-06-30")]


@pytest.mark.parametrize(
    "calendar, days, expected",
    [
        ("24x7", WEEKDAYS, ("1d", 261)),
        ("us-equity", MON_WED_FRI, ("1d", 156)),
        ("us-equity", WEEKDAYS[::8], ("1w", 33)),
        ("us-equity", pd.date_range("2000-01-31", periods=110, freq="2ME"), ("1mo", 6)),
        ("us-equity", pd.date_range("2015-01-01", "2018-12-31"), ("1d", 365)),
        ("us-equity", WEEKDAYS, ("1d", 252)),
        ("weekdays", HOLE, ("1d", 260)),
    ],
    ids=["weekdays-24x7", "three-a-week", "every-eighth", "two-monthly", "every-day", "no-holidays", "a-hole"],
)
def test_a_year_has_as_many_bars_as_there_are_where_the_calendar_is_another(calendar, days, expected):
    clock = quorate.get_calendar(calendar)
    times = stamps(clock, days)
    assert infer_frequency(times, clock.sessions(times), clock) == expected


def test_the_us_market_has_its_calendars_year():
    from arch.data import nasdaq

    clock = quorate.get_calendar("us-equity")
    times = stamps(clock, nasdaq.load().index)
    assert infer_frequency(times, clock.sessions(times), clock) == ("1d", 252)


def test_yearly_bars_are_refused():
    clock = quorate.get_calendar("us-equity")
    times = utc("2019-01-02T21:00", "2020-01-02T21:00")
    with pytest.raises(quorate.DataError, match="must be monthly or more frequent; the median distance was 365 days"):
        infer_frequency(times, clock.sessions(times), clock)
