"""Several markets in one panel: no value is known before its row, no order is filled before its decision."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.calendar import Calendar
from quorate.bars.fills import Fills
from quorate.bars.markets import align
from quorate.bars.panel import FIELDS, Bars
from quorate.bars.renames import read_renames, renamed
from quorate.errors import DataError, IntegrityError

TOKYO = Calendar("tokyo", "Asia/Tokyo", "15:00", 245, "09:00")
LONDON = Calendar("london", "Europe/London", "16:30", 253, "08:00")
NEW_YORK = quorate.get_calendar("us-equity")
ALWAYS = quorate.get_calendar("24x7")
MARKETS = {"tokyo": TOKYO, "london": LONDON, "us-equity": NEW_YORK, "24x7": ALWAYS}


def daily(clock, symbols, days, seed=0):
    """Daily bars whose prices are all different, so that each tells where it comes from."""
    rng = np.random.default_rng([seed, len(days)])
    times = pd.DatetimeIndex(clock.close_times(np.asarray(days, dtype="datetime64[D]"))).tz_localize("UTC")
    frames = []
    for name in symbols:
        opens, closes = 100 * np.exp(rng.normal(0, 0.02, (2, len(times))).cumsum(axis=1))
        high, low = np.maximum(opens, closes) * 1.01, np.minimum(opens, closes) * 0.99
        table = {
            "open": opens,
            "high": high,
            "low": low,
            "close": closes,
            "volume": rng.integers(1, 99, len(times)) * 1.0,
        }
        frames.append(pd.DataFrame({"symbol": name, "time": times, **table}))
    return Bars.from_frame(pd.concat(frames), clock)


def weekdays(n, start="2021-03-01"):
    return pd.bdate_range(start, periods=n).to_numpy()


def every_day(n, start="2021-03-01"):
    return pd.date_range(start, periods=n).to_numpy()


def test_the_close_of_tokyo_is_known_at_the_close_of_new_york_and_not_the_other_way_round():
    days = weekdays(30)
    tokyo, york = daily(TOKYO, ["T"], days), daily(NEW_YORK, ["N"], days, 1)
    at_new_york = align([york, tokyo])
    assert at_new_york.symbols == ("N", "T")
    assert (at_new_york.close[:, 1] == tokyo.close[:, 0]).all()  # of the same date
    at_tokyo = align([york, tokyo], "tokyo")
    assert np.isnan(at_tokyo.close[0, 0])
    assert (at_tokyo.close[1:, 0] == york.close[:-1, 0]).all()  # of the date before
    # Filled at the next open of each market itself.
    assert (at_new_york.fill("open")[1:] == np.column_stack([york.open, tokyo.open])[1:]).all()
    assert (at_tokyo.fill("open")[1:, 0] == york.open[:-1, 0]).all()


def test_a_market_that_never_closes_is_filled_at_the_midnight_after_the_decision():
    days = weekdays(10)
    york, coin = daily(NEW_YORK, ["N"], days), daily(ALWAYS, ["C"], every_day(14), 1)
    bars = align([york, coin])
    monday = 5  # 2021-03-08, after a weekend
    assert bars.close[monday, 0] == coin.close[6, 0]  # of Sunday, over at the midnight before
    assert bars.open[monday, 0] == coin.open[4, 0]  # of Friday, the first bar that was over since Friday's close
    assert bars.high[monday, 0] == coin.high[4:7, 0].max()
    assert bars.volume[monday, 0] == coin.volume[4:7, 0].sum()
    assert bars.fill("open")[monday, 0] == coin.open[5, 0]  # of Saturday, the first open after Friday's close
    assert bars.bars_per_year == 252


def test_a_market_that_is_open_at_the_decision_is_filled_the_next_day_and_marked_at_its_last_price():
    days = weekdays(10)
    london, york = daily(LONDON, ["L"], days), daily(NEW_YORK, ["N"], days, 1)
    bars = align([london, york])
    assert (bars.close[1:, 1] == york.close[:-1, 0]).all()
    assert (bars.fill("open")[1:, 1] == york.open[1:, 0]).all()
    assert (bars.last[1:, 1] == york.open[1:, 0]).all()  # of today, after the close of yesterday
    assert (bars.last[:, 0] == london.close[:, 0]).all()


def test_the_clocks_own_market_is_as_it_was_alone():
    york, coin = daily(NEW_YORK, ["A", "B"], weekdays(40)), daily(ALWAYS, ["C"], every_day(56), 1)
    alone = align([york, coin]).select(["A", "B"])
    for name in FIELDS:
        assert (getattr(alone, name) == getattr(york, name)).all()
    assert (alone.fill("open")[1:] == york.fill("open")[1:]).all()
    assert (alone.times == york.times).all()


def test_a_holiday_of_one_market_is_no_bar_there_and_of_the_clock_no_row():
    days = weekdays(10)
    tokyo, york = daily(TOKYO, ["T"], np.delete(days, 4)), daily(NEW_YORK, ["N"], np.delete(days, 6), 1)
    bars = align([york, tokyo])
    assert len(bars) == 9
    assert not bars.present[4, 1]
    assert bars.close[6, 1] == tokyo.close[6, 0]  # rows 6 and 7 of Tokyo's days are one
    assert bars.open[6, 1] == bars.fill("open")[6, 1] == tokyo.open[5, 0]


def test_bars_within_the_day_stand_beside_daily_ones():
    days = np.asarray(weekdays(6), dtype="datetime64[us]")
    hours = np.array([k * 60 + 30 for k in range(9, 16)]).astype("timedelta64[m]")
    local = (days[:, None] + hours[None, :] + np.timedelta64(60, "m")).ravel()
    local = np.minimum(local, np.repeat(days + np.timedelta64(16 * 60, "m"), len(hours)))
    times = pd.DatetimeIndex(local).tz_localize("America/New_York").tz_convert("UTC")
    close = np.linspace(100, 120, len(times))
    hourly = Bars.from_frame(
        pd.DataFrame(
            {"symbol": "N", "time": times, "open": close - 0.1, "high": close, "low": close - 0.2, "close": close}
        )
    )
    tokyo = daily(TOKYO, ["T"], weekdays(6), 1)
    bars = align([hourly, tokyo])
    assert bars.frequency == "60min"
    rows = np.flatnonzero(bars.present[:, 1])
    assert (np.diff(rows) == len(hours)).all()  # at the first close of each day
    assert (bars.close[rows, 1] == tokyo.close[: len(rows), 0]).all()
    bars.fills.check()


@st.composite
def panels(draw):
    """Two or three markets with missed days, of different spans, and the clock among them."""
    names = draw(st.lists(st.sampled_from(sorted(MARKETS)), min_size=2, max_size=3, unique=True))
    parts = []
    for k, name in enumerate(names):
        start = pd.Timestamp("2021-03-01") + pd.Timedelta(days=draw(st.integers(0, 20)))  # clocks change in these weeks
        days = every_day(45, start) if name == "24x7" else weekdays(30, start)
        kept = np.array(draw(st.lists(st.integers(0, 9), min_size=len(days), max_size=len(days)))) > 0
        kept[:5] = True
        parts.append(daily(MARKETS[name], [f"{name}-{j}" for j in range(1 + k % 2)], days[kept], k))
    return parts, draw(st.sampled_from(names))


@settings(max_examples=8)
@given(panels())
def test_no_value_is_known_after_its_row_and_no_fill_lies_before_its_decision(drawn):
    parts, clock = drawn
    bars = align(parts, clock)
    prices = bars.fill("open")
    for part in parts:
        opens, known = {}, {}
        begins = part.calendar.open_times(part.sessions)
        for column, name in enumerate(part.symbols):
            for row in np.flatnonzero(part.present[:, column]):
                opens[name, part.open[row, column]] = begins[row]
                for value in ("open", "high", "low", "close"):
                    known[name, getattr(part, value)[row, column]] = part.times[row]
        for name in set(part.symbols) & set(bars.symbols):
            column = bars.symbols.index(name)
            for row in np.flatnonzero(bars.present[:, column]):
                for value in ("open", "high", "low", "close"):
                    assert known[name, getattr(bars, value)[row, column]] <= bars.times[row]
                if np.isfinite(price := prices[row, column]):
                    assert row > 0
                    assert bars.times[row - 1] <= opens[name, price] <= bars.times[row]
    # What is not known yet changes nothing before it.
    stop = bars.times[len(bars) // 2]
    short = [Bars.from_frame(f, p.calendar) for p in parts if len(f := _before(p, stop))]
    if any(part.calendar.name == clock for part in short):
        cut = align(short, clock)
        whole = bars.take(0, len(cut)).select(cut.symbols)
        assert (cut.times == whole.times).all()
        assert np.array_equal(cut.close, whole.close, equal_nan=True)


def _before(part, stop):
    frame = part.to_frame()
    return frame[frame["time"] <= pd.Timestamp(stop, tz="UTC")]


def test_a_close_that_is_used_at_its_own_open_is_caught():
    """Tokyo's bars stamped at their open: at midnight UTC, when Tokyo opens, the close of that day counts as known."""

    class Early(Calendar):
        def open_times(self, sessions: np.ndarray) -> np.ndarray:
            return self.close_times(sessions)

    days = weekdays(20)
    stamped_at_open = daily(Early("early", "Asia/Tokyo", "09:00", 245, "08:59"), ["T"], days)
    coin = daily(ALWAYS, ["C"], every_day(28), 1)
    with pytest.raises(IntegrityError, match=r"T looks ahead at .* filled at the open of a bar that was known then"):
        align([coin, stamped_at_open])
    with pytest.MonkeyPatch.context() as patch:  # it would have earned what the day did
        patch.setattr(Fills, "check", lambda self: None)
        bars = align([coin, stamped_at_open])
    prices, row = bars.fill("open"), 1
    assert prices[row + 1, 1] == bars.open[row, 1]  # bought at the open of the bar whose close was known


@pytest.mark.parametrize("later", [("opened", "known"), ("price", "filled")])
def test_a_panel_that_was_moved_is_caught(later):
    bars = align([daily(NEW_YORK, ["N"], weekdays(20)), daily(TOKYO, ["T"], weekdays(20), 1)])
    by = -1 if later[0] == "opened" else 1  # bars that are known a row early, fills that come a row late
    moved = {name: np.roll(getattr(bars.fills, name), by, axis=0) for name in later}
    with pytest.raises(IntegrityError, match=r"looks ahead"):
        replace(bars.fills, **moved).check()


def test_parts_of_a_panel_have_its_fills():
    bars = align([daily(NEW_YORK, ["A", "B"], weekdays(40)), daily(ALWAYS, ["C"], every_day(56), 1)])
    part = bars.take(10, 30)
    assert np.array_equal(part.fill("open"), bars.fill("open")[10:30], equal_nan=True)
    assert np.array_equal(bars.select(["C"]).fill("open"), bars.fill("open")[1:, 2:], equal_nan=True)
    assert bars.fingerprint != replace(bars, fills=None).fingerprint
    again = Fills.from_frame(bars.fills.to_frame().sample(frac=1, random_state=1))
    assert again.digest(bars.times, bars.symbols) == bars.fills.digest(bars.times, bars.symbols)


def test_a_company_is_not_renamed_once_markets_are_aligned():
    bars = align([daily(NEW_YORK, ["A"], weekdays(20)), daily(TOKYO, ["T"], weekdays(20), 1)])
    change = read_renames([("a row", {"old": "T", "new": "U", "date": "2021-03-10"})])
    with pytest.raises(DataError, match=r"before quorate\.align"):
        renamed(bars, change)


@pytest.mark.parametrize(
    "parts, clock, told",
    [
        (list, None, "one market at least"),
        (lambda: [daily(NEW_YORK, ["A"], weekdays(9))] * 2, None, "a symbol has one market"),
        (lambda: [daily(NEW_YORK, ["A"], weekdays(9))], "us-equities", "did you mean 'us-equity'"),
        (lambda: [daily(NEW_YORK, ["A"], weekdays(300)[::21])], None, "daily bars or shorter ones"),
    ],
)
def test_what_cannot_be_aligned_is_refused(parts, clock, told):
    with pytest.raises(DataError, match=told):
        align(parts(), clock)
