"""What records come to by the period: when periods end, and which versions there are of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from quorate.bars.calendar import get_calendar
from quorate.bars.panel import Bars
from quorate.bars.periods import Periods, period_ends
from quorate.bars.records import covariate_of

NEW_YORK = "America/New_York"
EQUITY = get_calendar("us-equity")


def utc(*texts: str) -> np.ndarray:
    stamps = pd.DatetimeIndex(texts).tz_localize(NEW_YORK).tz_convert("UTC").tz_localize(None)
    return stamps.to_numpy().astype("datetime64[us]")


@pytest.mark.parametrize(
    ("frequency", "moment", "end"),
    [
        ("1d", "2024-01-03 10:00", "2024-01-03 16:00"),
        ("1d", "2024-01-03 16:00", "2024-01-03 16:00"),
        ("1d", "2024-01-03 16:01", "2024-01-04 16:00"),  # after the close
        ("1d", "2024-01-06 12:00", "2024-01-08 16:00"),  # a Saturday
        ("1d", "2024-07-04 12:00", "2024-07-05 16:00"),  # a holiday
        ("1d", "2024-01-04 00:00", "2024-01-03 16:00"),  # a date alone, the 3rd
        ("1d", "2024-01-07 00:00", "2024-01-08 16:00"),  # of a Saturday
        ("1w", "2024-01-02 10:00", "2024-01-05 16:00"),
        ("1w", "2024-01-05 18:00", "2024-01-12 16:00"),
        ("1mo", "2024-03-01 10:00", "2024-03-29 16:00"),
        ("60min", "2024-01-03 10:00", "2024-01-03 10:30"),  # counted from the open
        ("60min", "2024-01-03 15:31", "2024-01-03 16:00"),
        ("60min", "2024-01-03 17:00", "2024-01-03 17:30"),
        ("240min", "2024-01-03 15:00", "2024-01-03 16:00"),
    ],
)
def test_a_period_ends_with_the_markets_session(frequency: str, moment: str, end: str) -> None:
    midnight = moment.endswith("00:00")
    assert period_ends(EQUITY, frequency, utc(moment), dates=midnight) == utc(end)
    if midnight:  # of records at other hours, too, it is like these
        assert period_ends(EQUITY, frequency, utc(moment)) > utc(moment)


def bars(days: int = 6) -> Bars:
    sessions = pd.bdate_range("2024-01-08", periods=days)
    closes = (sessions + pd.Timedelta(hours=16)).tz_localize(NEW_YORK)
    return Bars.from_frame(
        pd.DataFrame({"symbol": "AAA", "time": closes, "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0})
    )


def told(rows: list[tuple[str, str, float]], how: str, lag: int = 0, value: str = "x") -> list[float]:
    """Return what is read at each close: of time, publication, value."""
    time, published, values = zip(*rows, strict=True)
    frame = pd.DataFrame({"time": time, "published_at": published, "x": values})
    for name in ("time", "published_at"):
        frame[name] = pd.to_datetime(frame[name]).dt.tz_localize(NEW_YORK)
    over = Periods("1d", EQUITY, {"x": how}, lag * 3_600_000_000)
    made = covariate_of(frame, timedelta(hours=lag) if lag else None, over=over)
    found = bars().with_covariates({"c": made}).covariate(f"c.{value}")[:, 0]
    return [None if np.isnan(one) else float(one) for one in found]


HOURS = [  # Monday, Monday, Wednesday, Wednesday late
    ("2024-01-08 10:00", "2024-01-08 10:05", 1.0),
    ("2024-01-08 14:00", "2024-01-08 14:05", 4.0),
    ("2024-01-10 11:00", "2024-01-10 11:05", 3.0),
    ("2024-01-10 15:00", "2024-01-11 09:00", 5.0),
]


@pytest.mark.parametrize(
    ("how", "due"),
    [
        ("mean", [2.5, 2.5, 3.0, 4.0, 4.0, 4.0]),
        ("sum", [5.0, 0.0, 3.0, 0.0, 0.0, 0.0]),  # of a day without records
        ("count", [2.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
        ("min", [1.0, 1.0, 3.0, 3.0, 3.0, 3.0]),
        ("max", [4.0, 4.0, 3.0, 5.0, 5.0, 5.0]),
        ("last", [4.0, 4.0, 3.0, 5.0, 5.0, 5.0]),
    ],
)
def test_a_day_comes_to_what_was_known_of_it_when_it_closed_and_later_records_revise_it(
    how: str, due: list[float]
) -> None:
    assert told(HOURS, how) == due
    assert told(HOURS, how, value="known") == [1.0] * 6


def test_a_lag_is_waited_for_after_the_end_of_a_period() -> None:
    # Records and period alike count two hours later: no day counts at its own close.
    assert told(HOURS, "mean", lag=2) == [None, 2.5, 2.5, 4.0, 4.0, 4.0]
    assert told(HOURS, "count", lag=2) == [None, 2.0, 0.0, 2.0, 0.0, 0.0]


def test_a_revision_replaces_the_record_of_its_time_and_an_empty_one_says_nothing() -> None:
    again = [
        *HOURS[:2],
        ("2024-01-08 10:00", "2024-01-09 12:00", 9.0),
        ("2024-01-08 14:00", "2024-01-10 12:00", np.nan),
    ]
    assert told(again, "mean")[:4] == [2.5, 6.5, 6.5, 6.5]
    assert told(again, "count")[:2] == [2.0, 0.0]
    ages = told(again, "mean", value="age")
    assert ages[:3] == [0.0, 1.0, 2.0]  # from the end of the period


def test_records_of_all_and_of_a_symbol_have_periods_of_their_own() -> None:
    frame = pd.DataFrame(
        {
            "symbol": ["", "", "AAA"],
            "time": pd.to_datetime(["2024-01-08 10:00", "2024-01-09 10:00", "2024-01-08 11:00"]).tz_localize(NEW_YORK),
            "x": [1.0, 2.0, 7.0],
        }
    )
    over = Periods("1d", EQUITY, {"x": "mean"})
    made = covariate_of(frame, timedelta(0), over=over)
    read = bars().with_covariates({"c": made}).covariate("c")[:, 0]
    assert read[:2].tolist() == [7.0, 2.0]  # of one day a symbol's own
    assert len(made.as_read) == 3
    assert (
        bars().with_covariates({"c": made}).fingerprint
        != bars().with_covariates({"c": covariate_of(frame, timedelta(0))}).fingerprint
    )
