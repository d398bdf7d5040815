"""What a careful person asks about bars: each fault draws its line, and sound bars draw none."""

import numpy as np
import pandas as pd
import pytest

from quorate.bars.between import known_too_early
from quorate.bars.calendar import get_calendar
from quorate.bars.doubts import different_lengths, doubts
from quorate.bars.exchanges import closed_days
from quorate.bars.panel import Bars
from quorate.bars.us_equity import holidays as us_holidays

US = get_calendar("us-equity")


def walk(n, seed=0, deviation=0.01):
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(deviation * rng.standard_normal(n)))
    open_ = np.concatenate(([100.0], close[:-1])) * np.exp(0.3 * deviation * rng.standard_normal(n))
    high, low = np.maximum(open_, close) * 1.003, np.minimum(open_, close) * 0.997
    return {"open": open_, "high": high, "low": low, "close": close, "volume": 1e6 * np.exp(rng.standard_normal(n))}


def sessions(n=700, start="2018-01-02"):
    days = pd.bdate_range(start, periods=2 * n)
    return days[~np.isin(days.to_numpy().astype("datetime64[D]"), us_holidays())][:n]


def frame(days, symbol="A", calendar=US, **more):
    values = {**walk(len(days), **more)}
    times = pd.DatetimeIndex(calendar.close_times(days.to_numpy().astype("datetime64[D]"))).tz_localize("UTC")
    return pd.DataFrame({"symbol": symbol, "time": times, **values})


def told(one, calendar="us-equity"):
    return doubts(Bars.from_frame(one, calendar))


PRICES = ["open", "high", "low", "close"]


def test_sound_bars_draw_no_doubt():
    assert told(frame(sessions())) == []
    assert told(pd.concat([frame(sessions(), name, seed=k) for k, name in enumerate("ABC")])) == []


@pytest.mark.parametrize("deviation", [0.01, 0.03, 0.05])
def test_a_market_that_moves_much_draws_no_doubt(deviation):
    assert told(frame(sessions(), deviation=deviation)) == []


@pytest.mark.parametrize("ratio, word", [(1 / 2, "1/2"), (1 / 7, "1/7"), (1 / 20, "1/20"), (10, "10")])
def test_a_split_that_was_not_adjusted_is_named_with_its_ratio(ratio, word):
    one = frame(sessions())
    one.loc[500:, PRICES] *= ratio
    [line] = told(one)
    assert line.startswith(f"A opens on {sessions()[500]:%Y-%m-%d} at {word} of the close before (")


def test_a_hole_is_told_with_its_length_and_what_the_price_does_over_it():
    one = frame(sessions())
    short = told(one.drop(range(440, 500)))
    [line] = short
    assert line.startswith("A has no bars for 6")
    assert "the price" not in line
    one.loc[500:, PRICES] *= 10
    [line] = told(one.drop(range(440, 500)))
    assert "times what it was: another scale, or another thing?" in line


@pytest.mark.parametrize("calendar, first", [("weekdays", "2019-04-29"), ("24x7", "2020-01-04")])
def test_six_sessions_without_a_bar_are_holidays_and_seven_a_hole(calendar, first):
    clock = get_calendar(calendar)
    days = pd.date_range("2018-06-01", periods=800, freq="D" if calendar == "24x7" else "B")
    at = int(days.searchsorted(pd.Timestamp(first)))
    assert told(frame(days.delete(range(at, at + 6)), calendar=clock), calendar) == []
    [line] = told(frame(days.delete(range(at, at + 7)), calendar=clock), calendar)
    assert line.startswith("A has no bars for 7 sessions")


@pytest.mark.parametrize("name, by", [("high", 100.0), ("low", 0.01)])
def test_one_wild_value_is_told(name, by):
    one = frame(sessions())
    one.loc[500, name] *= by
    [line] = told(one)
    assert line.startswith(f"A has a {name} of {one.loc[500, name]:g} on {sessions()[500]:%Y-%m-%d}, 10")


def test_prices_that_stand_still_are_told():
    one = frame(sessions())
    one.loc[640:, PRICES] = one.loc[639, "close"]
    one.loc[640:, "volume"] = 0
    [line] = told(one)
    assert "for 60 bars" in line
    assert line.endswith(f"to {sessions()[-1]:%Y-%m-%d}: was it traded?")


def test_a_bar_on_a_saturday_is_told():
    days = sessions(400).append(pd.DatetimeIndex(["2018-06-16"])).sort_values()
    [line] = told(frame(days))
    assert line == "1 bar lies on weekends, the first of A on Saturday, 2018-06-16"


def test_bars_on_holidays_are_told_and_whether_they_repeat_the_bar_before():
    days = sessions(700).append(pd.DatetimeIndex(["2018-12-25", "2019-07-04"])).sort_values()
    one = frame(days)
    at = int(np.flatnonzero(days == "2018-12-25")[0])
    one.loc[at, PRICES] = one.loc[at - 1, "close"]
    [line] = told(one)
    assert line.startswith("2 bars lie on holidays of us-equity, the first of A on 2018-12-25, 1 of them at the price")


def test_a_market_of_all_weekdays_is_not_told_each_holiday():
    assert told(frame(pd.bdate_range("2018-01-02", periods=700))) == []


def test_the_holidays_are_those_of_the_exchange():
    known = {str(day) for day in us_holidays()}
    closed = ["2018-01-01", "2018-03-30", "2018-05-28", "2018-11-22", "2020-07-03", "2021-12-24", "2019-12-25"]
    assert {*closed} <= known
    assert not {"2021-12-31", "2018-11-12", "2018-10-08"} & known
    assert 8.7 < len([day for day in known if "2000" <= day[:4] < "2020"]) / 20 < 9.1


def test_the_holidays_of_an_exchange_are_its_own():
    clock = get_calendar("XTKS")
    days = pd.bdate_range("2018-01-04", "2020-12-28")
    closed = closed_days("XTKS", "2018-01-04", "2020-12-28")
    real = frame(days[~np.isin(days.to_numpy().astype("datetime64[D]"), closed)], calendar=clock)
    # The long holidays of 2019 were six sessions: they are no hole.
    assert told(real, "XTKS") == []
    filled = frame(days, calendar=clock)
    off = np.isin(days.to_numpy().astype("datetime64[D]"), closed)
    filled.loc[off, PRICES] = np.nan
    filled["close"] = filled["close"].ffill()
    for name in PRICES:
        filled[name] = filled[name].fillna(filled["close"])
    [line] = told(filled, "XTKS")
    n = int(off.sum())
    assert line.startswith(f"{n} bars lie on holidays of XTKS, the first of A on 2018-01-08, {n} of them at the price")


def minutes(first, last, step, n=30):
    days = sessions(n)
    times = [pd.date_range(f"{d:%Y-%m-%d} {first}", f"{d:%Y-%m-%d} {last}", freq=step, tz=US.timezone) for d in days]
    whole = times[0].append(times[1:])
    return pd.DataFrame({"symbol": "A", "time": whole.tz_convert("UTC"), **walk(len(whole))})


def test_bars_outside_the_session_are_counted():
    assert told(minutes("10:00", "16:00", "30min")) == []
    [line] = told(minutes("09:30", "15:30", "30min"))
    assert line.endswith("are stamps the opens of bars (data.stamp)?")
    assert told(minutes("10:15", "16:15", "1h")) == []  # the last one is cut by the close
    [line] = told(minutes("05:00", "19:30", "30min"))
    assert line.startswith("510 of 900 bars lie outside the session, 09:30 to 16:00")


def test_a_panel_of_different_lengths_is_told():
    days = sessions(300)
    same = pd.concat([frame(days), frame(days[::2], "B")])
    assert different_lengths(Bars.from_frame(same)) == []
    weekly = pd.concat([frame(days), frame(days[4::5], "W")])
    [line] = different_lengths(Bars.from_frame(weekly))
    assert line.startswith("the symbols have bars of different lengths (a day: A; a week: W)")
    short, long = minutes("10:00", "16:00", "30min"), minutes("10:00", "16:00", "60min").assign(symbol="B")
    [line] = different_lengths(Bars.from_frame(pd.concat([short, long])))
    assert "(30 minutes: A; 60 minutes: B)" in line


def test_bars_that_are_missing_where_a_market_never_closes_are_counted():
    times = pd.date_range("2020-01-01 01:00", periods=3000, freq="h", tz="UTC")
    one = pd.DataFrame({"symbol": "A", "time": times, **walk(3000)})
    assert told(one, "24x7") == []
    assert told(one.drop([100, 500, 501, 502]), "24x7") == ["A lacks 4 of 3,000 bars, the most in a row 3"]


def test_symbols_that_follow_one_another_are_told():
    days = sessions(600)
    parts = pd.concat([frame(days[:200], "X1"), frame(days[200:400], "X2"), frame(days[400:], "X3")])
    [line] = told(parts)
    assert line.startswith("no two of the 3 symbols (X1, X2, X3) have a bar at the same time")


def test_many_of_a_kind_are_cut():
    one = frame(sessions())
    one.loc[100:600:50, "high"] *= 50
    lines = told(one)
    assert len(lines) == 4
    assert lines[-1] == "8 more of the last kind"


# --- between symbols


def pair(shift=0, correlation=0.7, n=600):
    """Two symbols that move together; the second one's bars come `shift` bars earlier."""
    rng = np.random.default_rng(1)
    common = rng.standard_normal(n + shift)
    own = [
        0.01 * (np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.standard_normal(n + shift)) for _ in "AB"
    ]
    days = sessions(n)
    frames = []
    for name, moves in (("A", own[0][:n]), ("B", own[1][shift : shift + n])):
        close = 100 * np.exp(np.cumsum(moves))
        one = frame(days, name)
        frames.append(one.assign(**dict.fromkeys(PRICES, close)))
    return Bars.from_frame(pd.concat(frames))


def test_symbols_that_move_together_do_not_know_each_other():
    assert known_too_early(pair()) == []
    assert known_too_early(pair(correlation=0.99)) == []


def test_bars_that_are_one_early_are_told():
    [line] = known_too_early(pair(shift=1, correlation=0.8))
    assert line.startswith("the returns of B agree with those of A one bar later (correlation 0.7")


def test_weekly_bars_that_are_known_on_monday_are_told():
    days = sessions(700)
    day = frame(days, "DAY")
    week = day.assign(symbol="WEEK").groupby(days.to_period("W"), sort=False)
    how = {"symbol": "first", "open": "first", "high": "max", "low": "min", "close": "last"}
    early = week.agg({"time": "first", **how})
    [line] = known_too_early(Bars.from_frame(pd.concat([day, early.reset_index(drop=True)])))
    assert line.startswith("the returns of WEEK agree with those of DAY")
    late = week.agg({"time": "last", **how})
    assert known_too_early(Bars.from_frame(pd.concat([day, late.reset_index(drop=True)]))) == []
