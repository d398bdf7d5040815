"""Records that are read by the period: what counts is made of what was known, and nothing moves before its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quorate.bars.calendar import Calendar, get_calendar
from quorate.bars.covariates import Covariate
from quorate.bars.holidays import closed_weekdays
from quorate.bars.panel import Bars
from quorate.bars.periods import AGGREGATES, Periods, period_ends
from quorate.bars.records import covariate_of, to_frame
from quorate.runs.audit.joins import _due
from quorate.runs.audit.periods import ends_of
from quorate.testing import market

BARS = market(24, 2)
CLOSES = pd.DatetimeIndex(BARS.times).tz_localize("UTC")
FUTURES = Calendar("futures", "America/Chicago", "16:00", 252, "17:00")
NAMES = ("news.score", "news.count", "news.age", "news.known")

rows = st.tuples(
    st.integers(0, 23 * 24 + 40),  # hours after the first close
    st.integers(0, 90),  # hours until it was published
    st.integers(-9, 9) | st.just(np.nan),
    st.sampled_from(["", "AAA", "BBB"]),
)
several = st.lists(rows, min_size=1, max_size=40, unique_by=lambda row: (row[0], row[0] + row[1], row[3]))
how = st.sampled_from(AGGREGATES)
spans = st.sampled_from(["1d", "1w", "240min"])


def records(given_rows: list[tuple[int, int, float, str]]) -> pd.DataFrame:
    time = CLOSES[0] + pd.to_timedelta([hour for hour, *_ in given_rows], unit="h")
    return pd.DataFrame(
        {
            "symbol": [symbol for *_, symbol in given_rows],
            "time": time,
            "published_at": time + pd.to_timedelta([late for _, late, *_ in given_rows], unit="h"),
            "score": [value for *_, value, _ in given_rows],
            "count": 1.0,
        }
    )


def read_over(frame: pd.DataFrame, frequency: str, aggregate: str, lag: int = 0) -> Bars:
    over = Periods(frequency, BARS.calendar, {"score": aggregate, "count": "count"}, lag * 3_600_000_000)
    made = covariate_of(frame, timedelta(hours=lag) if lag else None, max_age=timedelta(days=6), over=over)
    return BARS.with_covariates({"news": made})


@settings(max_examples=12, deadline=None)
@given(several, spans, how, st.sampled_from([0, 5]), st.sampled_from(NAMES), st.integers(0, 5))
def test_what_counts_is_what_the_records_say_that_were_known(
    given_rows: list[tuple[int, int, float, str]], frequency: str, aggregate: str, lag: int, name: str, first: int
) -> None:
    bars = read_over(records(given_rows), frequency, aggregate, lag)
    one = bars.covariates["news"]
    told = to_frame(one)
    told = told.assign(end=ends_of(pd.DatetimeIndex(told["time"]), one.over) if len(told) else [])
    ends = ends_of(CLOSES, one.over)
    read = bars.covariate(name)
    for row in range(first, len(CLOSES), 6):
        for column, symbol in enumerate(BARS.symbols):
            own = told[told["symbol"].isin(["", symbol])]
            due = _due(own, CLOSES[row], name.partition(".")[2], one, ends)
            np.testing.assert_allclose(read[row, column], due, rtol=1e-12, err_msg=f"{symbol} {CLOSES[row]}")


@settings(max_examples=20, deadline=None)
@given(several, several, st.integers(4, 20), spans, how)
def test_what_is_published_late_moves_nothing_before_its_time(
    given_rows: list[tuple[int, int, float, str]],
    more: list[tuple[int, int, float, str]],
    at: int,
    frequency: str,
    aggregate: str,
) -> None:
    frame, late = records(given_rows), records(more)
    late["published_at"] = np.maximum(late["published_at"], CLOSES[at] + pd.Timedelta(minutes=7))
    late = late.drop_duplicates(["symbol", "time", "published_at"])
    before, after = (
        read_over(one, frequency, aggregate) for one in (frame, pd.concat([frame, late], ignore_index=True))
    )
    for name in NAMES:
        np.testing.assert_array_equal(before.covariate(name)[: at + 1], after.covariate(name)[: at + 1])
    # Cut off, it is as it was.
    known = before.take(0, at + 1)
    assert known.fingerprint == after.take(0, at + 1).fingerprint
    for name in NAMES:
        np.testing.assert_array_equal(known.covariate(name), before.covariate(name)[: at + 1])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 700 * 24 * 4), min_size=1, max_size=50),
    st.sampled_from([*map(get_calendar, ("us-equity", "weekdays", "24x7")), FUTURES]),
    st.sampled_from(["1d", "1w", "1mo", "60min", "240min"]),
)
@example([55_089], get_calendar("us-equity"), "1w")  # a week that a holiday ends
def test_periods_end_with_the_sessions_of_the_market(quarters: list[int], calendar: Calendar, frequency: str) -> None:
    times = np.datetime64("2018-12-01", "us") + np.array(quarters) * np.timedelta64(15, "m")
    for dates in (True, False):
        found = period_ends(calendar, frequency, times.astype("datetime64[us]"), dates)
        due = ends_of(pd.DatetimeIndex(times).tz_localize("UTC"), Periods(frequency, calendar, {}, dates=dates))
        assert (pd.DatetimeIndex(found).tz_localize("UTC") == due).all()
    assert (found >= times).all()
    # A week or month may end with a holiday's close; what there is at that time is of the session after it.
    off = closed_weekdays(calendar, np.datetime64("2018-12-01"), np.datetime64("2020-12-31"))
    held = found[~np.isin(calendar.sessions(found), off)]
    assert (period_ends(calendar, frequency, held) == held).all()


def test_what_there_is_on_a_holiday_that_a_week_ends_with_is_of_the_next_week() -> None:
    times = np.array(["2020-07-02T20:00", "2020-07-02T20:01", "2020-07-03T20:00"], dtype="datetime64[us]")
    found = period_ends(get_calendar("us-equity"), "1w", times)
    assert found.tolist() == [pd.Timestamp(f"2020-07-{day} 20:00").to_pydatetime() for day in ("03", "10", "10")]


def test_a_reading_that_looks_ahead_is_told_from_one_that_does_not() -> None:
    frame = records([(24 * day + hour, 30, day + hour, "") for day in range(20) for hour in (1, 5, 9)])
    sound = read_over(frame, "1d", "mean").covariates["news"]
    early = replace(sound, known=sound.time)
    assert not np.array_equal(
        *(Covariate.joined(one, "score", BARS.times, BARS.symbols) for one in (sound, early)), equal_nan=True
    )
    with pytest.raises(KeyError):
        replace(sound, over=replace(sound.over, how={})).as_read  # noqa: B018
