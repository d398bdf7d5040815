"""Prices adjusted for splits and dividends."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.actions import adjusted, check_actions

DAYS = pd.bdate_range("2020-01-01", periods=8)


def bars_of(prices: list[float], symbol: str = "A") -> quorate.Bars:
    times = DAYS[: len(prices)].tz_localize("UTC") + pd.Timedelta("21h")
    frame = pd.DataFrame({"symbol": symbol, "time": times, **dict.fromkeys(("open", "high", "low", "close"), prices)})
    return quorate.Bars.from_frame(frame.assign(volume=100.0), "weekdays")


def actions_of(*told: tuple[int, str, float], symbol: str = "A") -> pd.DataFrame:
    rows = [(symbol, DAYS[day], kind, value) for day, kind, value in told]
    return check_actions(pd.DataFrame(rows, columns=["symbol", "session", "kind", "value"]))


def test_a_split_divides_what_came_before_it() -> None:
    bars = adjusted(bars_of([100, 102, 51, 52]), actions_of((2, "split", 2.0)), "splits")
    assert bars.close[:, 0].tolist() == [50, 51, 51, 52]
    assert bars.volume[:, 0].tolist() == [200, 200, 100, 100]


def test_a_dividend_counts_only_in_total_returns() -> None:
    bars, told = bars_of([100, 100, 95, 95]), actions_of((2, "dividend", 5.0))
    assert adjusted(bars, told, "splits").fingerprint == bars.fingerprint
    assert adjusted(bars, told, "none").fingerprint == bars.fingerprint
    assert adjusted(bars, told, "total").close[:, 0].tolist() == pytest.approx([95, 95, 95, 95])


def test_a_split_and_a_dividend_of_one_day_are_in_shares_of_that_day() -> None:
    # 100 before; two for one, and 1 per new share: the day begins at 49
    bars = adjusted(bars_of([100, 100, 49, 49]), actions_of((2, "split", 2.0), (2, "dividend", 1.0)), "total")
    assert bars.close[:, 0].tolist() == pytest.approx([49, 49, 49, 49])


def test_what_lies_before_the_first_bar_or_after_the_last_changes_nothing() -> None:
    bars = bars_of([100, 100, 100])
    told = actions_of((0, "split", 2.0), (6, "split", 3.0), (0, "dividend", 1.0))
    assert adjusted(bars, told, "total").fingerprint == bars.fingerprint


@settings(max_examples=25, deadline=None)
@given(
    prices=st.lists(st.floats(5, 500), min_size=8, max_size=8),
    ratio=st.sampled_from([0.1, 2.0, 3.0]),
    day=st.integers(1, 7),
    until=st.integers(2, 8),
)
def test_returns_of_the_past_do_not_change_by_what_comes_later(
    prices: list[float], ratio: float, day: int, until: int
) -> None:
    told = actions_of((day, "split", ratio), (min(day + 1, 7), "dividend", 0.5))
    whole = adjusted(bars_of(prices), told, "total").close[:until, 0]
    known = adjusted(bars_of(prices[:until]), told, "total").close[:, 0]
    np.testing.assert_allclose(whole[1:] / whole[:-1], known[1:] / known[:-1], rtol=1e-12)


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(quorate.DataError, match="a dividend of 200 is not less than the price before it, 100"):
        adjusted(bars_of([100, 100, 95]), actions_of((2, "dividend", 200.0)), "total")
    with pytest.raises(quorate.DataError, match="its kind must be split or dividend; it was spilt"):
        actions_of((2, "spilt", 2.0))
    with pytest.raises(quorate.DataError, match="its value must be a number, not below zero; it was -1"):
        actions_of((2, "split", -1.0))
    with pytest.raises(quorate.DataError, match="need a column 'value'"):
        check_actions(pd.DataFrame({"symbol": ["A"], "session": ["2020-01-01"], "kind": ["split"]}))
