"""Series that returns are held against, laid between the closes of bars: by hand, on weekends, holidays and gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quorate.bars.references import ReferenceSeries, align, check_spacing
from quorate.errors import DataError


def days(*text):
    return np.array(text, dtype="datetime64[us]")


def series(stamps, values, prices=False, dates=True, rate=""):
    table = values if isinstance(values, dict) else {"m": values}
    return ReferenceSeries(
        "m", days(*stamps), {k: np.array(v, dtype=float) for k, v in table.items()}, prices, dates, rate
    )


def bars(*sessions, hour=21):
    at = np.array(sessions, dtype="datetime64[D]")
    return at.astype("datetime64[us]") + np.timedelta64(hour, "h"), at


# Thursday to Wednesday; Monday the 6th is a holiday of the bars.
WEEK = ("2024-05-02", "2024-05-03", "2024-05-07", "2024-05-08")


def test_a_bar_after_a_weekend_and_a_holiday_has_all_days_since():
    stamps = ["2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04", "2024-05-06", "2024-05-07", "2024-05-08"]
    found = align(series(stamps, [0.9, 0.8, 0.01, 0.02, 0.03, 0.04, 0.05]), *bars(*WEEK))
    assert found.values["m"] == pytest.approx([0.01, 1.02 * 1.03 * 1.04 - 1, 0.05])
    assert (found.begin.tolist(), found.end.tolist(), found.left_out) == ([0, 1, 2], [1, 2, 3], 0)
    assert found.earned(np.array([0.1, 0.2, 0.3])) == pytest.approx([0.1, 0.2, 0.3])


def test_a_price_is_the_last_at_or_before_the_close():
    stamps = ["2024-05-02", "2024-05-03", "2024-05-06", "2024-05-08"]  # its own holiday is the 7th
    found = align(series(stamps, [100, 110, 121, 133.1], prices=True), *bars(*WEEK))
    assert found.values["m"] == pytest.approx([0.1, 0.1, 0.1])
    times, sessions = bars(*WEEK)
    exact = times + np.array([0, -3600, 3600, 0], dtype="timedelta64[s]")  # the 7th's comes an hour after the close
    told = ReferenceSeries("m", exact, {"m": np.array([100.0, 110.0, 121.0, 133.1])}, True, False)
    assert align(told, times, sessions).values["m"] == pytest.approx([0.1, 0.0, 0.21])


def test_a_stale_price_is_none():
    at = np.arange("2024-05-01", "2024-06-01", dtype="datetime64[D]")
    there = np.concatenate((at[:5], at[20:]))
    found = align(series(there.astype(str), np.arange(1.0, 17.0), prices=True), *bars(*at))
    # The price of the 5th stands until the 12th; from then on until the 21st there is none.
    assert found.end[found.values["m"] == 0].tolist() == [5, 6, 7, 8, 9, 10, 11]
    assert found.left_out == 9
    assert not np.isin(np.arange(12, 21), found.end).any()


def test_a_bar_without_a_return_is_left_out_and_counted():
    found = align(series(["2024-05-02", "2024-05-03", "2024-05-08"], [0.5, 0.01, 0.05]), *bars(*WEEK))
    assert (found.end.tolist(), found.left_out, found.bars) == ([1, 3], 1, 2)
    partly = series(WEEK, {"a": [0, 0.1, 0.2, 0.3], "rf": [0, 0.01, np.nan, 0.01]}, rate="rf")
    found = align(partly, *bars(*WEEK))
    assert found.end.tolist() == [1, 3]
    assert partly.names == ("a",)
    assert found.values["rf"].tolist() == [0.01, 0.01]


def test_months_take_the_bars_between_them_together():
    at = pd.bdate_range("2024-01-02", "2024-06-14").to_numpy().astype("datetime64[D]")
    ends = ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31", "2024-06-30"]
    found = align(series(ends, [0.9, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), *bars(*at))
    assert found.values["m"].tolist() == [0.2, 0.3, 0.4, 0.5]  # of January the first day is not among the bars
    assert at[found.end].astype(str).tolist() == ["2024-02-29", "2024-03-29", "2024-04-30", "2024-05-31"]
    assert at[found.begin].astype(str).tolist() == ["2024-01-31", "2024-02-29", "2024-03-29", "2024-04-30"]
    returns = np.full(len(at) - 1, 0.001)
    assert found.earned(returns) == pytest.approx([1.001**n - 1 for n in (21, 21, 22, 23)])
    gap = align(series([*ends[:3], *ends[4:]], [0.9, 0.1, 0.2, 0.4, 0.5, 0.6]), *bars(*at))
    assert gap.values["m"].tolist() == [0.2, 0.5]  # that of April would be held against two months
    prices = align(series([*ends[:3], *ends[4:]], [1, 2, 4, 8, 16, 32], prices=True), *bars(*at))
    assert prices.values["m"].tolist() == [1, 1, 1]
    assert prices.bars == 21 + 43 + 23


def test_days_beside_hours():
    sessions = np.repeat(np.arange("2024-05-06", "2024-05-11", dtype="datetime64[D]"), 3)
    times = sessions.astype("datetime64[us]") + np.tile(np.array([15, 18, 21]), 5).astype("timedelta64[h]")
    found = align(series(np.unique(sessions).astype(str), [0.9, 0.1, 0.2, 0.3, 0.4]), times, sessions)
    assert (found.begin.tolist(), found.end.tolist()) == ([2, 5, 8, 11], [5, 8, 11, 14])
    assert found.values["m"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert found.left_out == 2


@pytest.mark.parametrize("shift", [0, 2])
def test_weeks_beside_weeks_and_months_beside_months_end_at_the_nearest_bar(shift):
    fridays = np.arange("2024-01-05", "2024-06-28", dtype="datetime64[D]")[::7]
    sundays = (fridays + shift).astype(str)
    found = align(series(sundays, np.arange(len(fridays)) / 100), *bars(*fridays))
    assert found.values["m"].tolist() == (np.arange(1, len(fridays)) / 100).tolist()
    assert found.left_out == 0
    months = pd.bdate_range("2023-01-31", periods=14, freq="BME").to_numpy().astype("datetime64[D]")
    ends = pd.date_range("2023-01-31", periods=14, freq="ME").strftime("%Y-%m-%d")
    found = align(series(ends, np.arange(14) / 100), *bars(*months))
    assert found.values["m"].tolist() == (np.arange(1, 14) / 100).tolist()


def test_returns_that_bars_cut_in_two_are_refused():
    weekly = series(np.arange("2020-01-03", "2024-01-01", dtype="datetime64[D]")[::7].astype(str), [0.01] * 209)
    months = pd.bdate_range("2020-01-31", periods=40, freq="BME").to_numpy().astype("datetime64[us]")
    with pytest.raises(DataError, match=r"of 7 days each and the bars of \d+"):
        check_spacing(weekly, months)
    check_spacing(weekly, np.arange("2020-01-03", "2021-01-01", dtype="datetime64[D]").astype("datetime64[us]"))


def test_what_comes_after_a_bar_is_not_known_at_it():
    whole = series(WEEK, [0.0, 0.1, 0.2, 0.3])
    times, sessions = bars(*WEEK)
    for stop in (1, 2, 3):
        some = whole.until(times[stop - 1], sessions[stop - 1])
        assert len(some) == stop
        assert some.sha256 != whole.sha256
        assert align(some, times[:stop], sessions[:stop]).end.tolist() == list(range(1, stop))[: len(some) - 1]
    assert whole.until(times[-1], sessions[-1]) is whole


def test_they_are_stored_as_they_are():
    one = series(WEEK, {"a": [0, 0.1, np.nan, 0.3], "rf": [0.0] * 4}, rate="rf")
    again = ReferenceSeries.from_frame(one.to_frame(), **one.note)
    assert again.sha256 == one.sha256
    assert again.note == one.note
    assert series(WEEK, [1, 2, 3, 4], prices=True).sha256 != series(WEEK, [1, 2, 3, 4]).sha256


def test_nothing_in_common_is_nothing():
    for stamps in (["2001-01-01", "2001-01-02", "2001-01-03"], ["2024-05-02"]):
        found = align(series(stamps, [0.1] * len(stamps)), *bars(*WEEK))
        assert not len(found.end)
        assert found.left_out == 3


@settings(max_examples=40)
@given(st.sets(st.integers(0, 59), min_size=20, max_size=60), st.integers(0, 99))
def test_nothing_is_lost_between_closes_and_nothing_counts_twice(chosen, seed):
    every = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")
    some = every[sorted(chosen)]
    value = np.random.default_rng(seed).normal(0, 0.02, len(every))
    found = align(series(every.astype(str), value), *bars(*some))
    after, until = np.searchsorted(every, [some[0], some[-1]], side="right")
    assert np.prod(1 + found.values["m"]) == pytest.approx(np.prod(1 + value[after:until]))
    level = np.cumprod(1 + value)
    prices = align(series(every.astype(str), level, prices=True), *bars(*some))
    np.testing.assert_allclose(prices.values["m"], found.values["m"], atol=1e-12)
