"""What a client sends: bars of either form, and what is told of those that are wrong."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quorate
from quorate.bars.calendar import get_calendar
from quorate.bars.panel import FIELDS, Bars
from quorate.serving.requests import Ask, Batch, Refused, Sent, read, sent


def frame(symbols: list[str]) -> pd.DataFrame:
    """Return daily bars of the first weeks of 2024."""
    days = np.array([np.datetime64("2024-01-02") + k for k in range(60)])
    days = days[np.is_busday(days)]
    times = pd.DatetimeIndex(get_calendar("us-equity").close_times(days)).tz_localize("UTC")
    close = 10 + np.arange(len(days)) / 10
    one = {"time": times, "open": close, "high": close + 1, "low": close - 1, "close": close, "volume": 100.0}
    return pd.concat([pd.DataFrame({"symbol": name, **one}) for name in symbols])


@cache
def _one() -> Bars:
    return quorate.Bars.from_frame(frame(["A"]))


BAR: dict[str, Any] = {"time": "2024-03-04T21:00:00Z", "open": 10, "high": 12, "low": 9, "close": 11, "volume": 5}


@pytest.fixture(scope="module")
def known() -> Bars:
    return quorate.Bars.from_frame(frame(["A", "B"]))


def _sent(known: Bars, bars: Any) -> Sent:
    ask = read(json.dumps({"bars": bars}).encode(), Ask)
    assert ask.bars is not None
    return sent(ask.bars, known)


def _refused(known: Bars, bars: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        _sent(known, bars)
    return refused.value


def test_rows_and_columns_are_the_same_bars_in_any_order(known: Bars) -> None:
    rows = [
        {**BAR, "symbol": name, "time": day} for name in "AB" for day in ("2024-03-04", "2024-03-05T22:00:00+01:00")
    ]
    one = _sent(known, rows)
    columns = {name: [row[name] for row in rows] for name in BAR | {"symbol": ""}}
    assert {one.digest} == {each.digest for each in (_sent(known, rows[::-1]), _sent(known, columns))}
    assert one.times.astype(str).tolist() == ["2024-03-04T21:00:00.000000", "2024-03-05T21:00:00.000000"]
    bars = one.bars(known, "bars")
    assert bars.close.tolist() == [[11, 11], [11, 11]]
    assert bars.sessions.astype(str).tolist() == ["2024-03-04", "2024-03-05"]
    assert _sent(known, rows[:1]).digest != _sent(known, [{**rows[0], "close": 11.5}]).digest


PRICES = st.tuples(st.floats(1e-3, 1e6), st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0, 1e12))


@settings(max_examples=30)
@given(st.lists(PRICES, min_size=1, max_size=5))
def test_numbers_keep_their_bits(values: list[tuple[float, float, float, float]]) -> None:
    known = _one()
    rows = [
        {"time": f"2024-03-{4 + k:02d}T21:00:00Z", "symbol": "A", "open": c, "close": c, "high": c * (1 + u),
         "low": c * (1 - d), "volume": v}
        for k, (c, u, d, v) in enumerate(values)
    ]  # fmt: skip
    found = _sent(known, rows)
    for name in FIELDS:
        assert found.fields[name][:, 0].tolist() == [row[name] for row in rows]


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"close": -1}, "bars[1].close", "must be above 0; it was -1.0"),
        ({"close": 0}, "bars[1].close", "must be above 0"),
        ({"close": "11"}, "bars[1].close", "must be a number; it was '11'"),
        ({"close": True}, "bars[1].close", "must be a number; it was True"),
        ({"close": None}, "bars[1].close", "must be a number; it was None"),
        ({"close": 1e200, "high": 1e200}, "bars[1].high", "must lie between 1e-100 and 1e+100"),
        ({"high": 10.5}, "bars[1].high", "must not be below open or close; it was 10.5"),
        ({"low": 10.5}, "bars[1].low", "must not be above open or close"),
        ({"volume": None}, "bars[1].volume", "must be 0 or more, as the version's bars have volume; it was left out"),
        ({"volume": -1}, "bars[1].volume", "must be 0 or more"),
        ({"symbol": "Aa"}, "bars[1].symbol", "must be one of A, B; it was 'Aa'; did you mean 'A'?"),
        ({"symbol": None}, "bars[1].symbol", "it was left out"),
        ({"time": "2024-03-04 21:00"}, "bars[1].time", "with its time zone, or the date of a session"),
        ({"time": "yesterday\x1b[31m"}, "bars[1].time", r"it was 'yesterday\\x1b[31m'"),
        ({"time": "9999-12-31T23:59:59Z"}, "bars[1].time", "must be the close"),
        ({"time": "2024-03-04", "symbol": "A"}, "bars[1].time", "which its symbol has already"),
        ({"clsoe": 1}, "bars[1].clsoe", "is not known; did you mean 'close'?"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(known: Bars, change: dict[str, Any], field: str, told: str) -> None:
    rows = [{**BAR, "symbol": "A"}, {**BAR, "symbol": "B", **change}]
    refused = _refused(known, rows)
    assert (refused.status, refused.field) == (422, field)
    assert str(refused).startswith(f"{field} ")
    assert told in str(refused)
    if set(change) <= {"close"} and change["close"] in (-1, 0):
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        assert _refused(known, columns).field == "bars.close[1]"


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"{", 400, "the body must be JSON"),
        (b"\xff", 400, "the body must be JSON"),
        (b"[]", 422, "the body must be an object"),
        (b'{"bars": [{"time": "2024-03-04", "open": NaN}]}', 422, "bars[0].open must be a finite number"),
        (b'{"bars": [{"time": "2024-03-04", "open": 1e999}]}', 422, "bars[0].open must be a finite number"),
        (b'{"bars": 5}', 422, "bars must be a list; it was 5"),
        (b'{"version": 5}', 422, "version must be a text; it was 5"),
        (b'{"bar": []}', 422, "bar is not known; did you mean 'bars'?"),
        (b'{"bars": [{"time": "2024-03-04"}]}', 422, "bars[0].open is missing"),
        (b"[" * 100_000, 400, "the body must be JSON"),
    ],
)
def test_what_is_no_request_is_told(body: bytes, status: int, told: str) -> None:
    with pytest.raises(Refused) as refused:
        read(body, Ask)
    assert refused.value.status == status
    assert told in str(refused.value)


def test_columns_have_one_length_and_a_batch_an_entry(known: Bars) -> None:
    columns = {name: [value] for name, value in BAR.items()}
    assert "must have 1 entries, as time; it has 2" in str(
        _refused(known, {**columns, "close": [1, 2], "symbol": ["A"]})
    )
    assert "must have a bar at least" in str(_refused(known, []))
    with pytest.raises(Refused, match=r"requests must have an entry at least"):
        read(b'{"requests": []}', Batch)
    with pytest.raises(Refused, match=r"requests\[0\]\.bars\[0\]\.high is missing"):
        read(b'{"requests": [{"bars": [{"time": "2024-03-04", "open": 1.0}]}]}', Batch)


def test_what_rounding_took_is_given_back_as_in_files(known: Bars) -> None:
    found = _sent(known, [{**BAR, "symbol": "A", "close": 12.000001}])
    assert found.fields["high"][0, 0] == 12.000001


def test_a_session_has_one_daily_bar(known: Bars) -> None:
    last = known.times[-1]
    early = [{**BAR, "symbol": "A", "time": f"{last + np.timedelta64(3, 'm')}Z"}]
    with pytest.raises(Refused, match=rf"has two: is {last}Z meant"):
        _sent(known, early).bars(known, "bars")
    assert len(_sent(known, [{**early[0], "time": f"{last}Z"}]).bars(known, "bars")) == 1


def test_a_gap_is_told(known: Bars) -> None:
    day = known.sessions[-1]
    assert _sent(known, [{**BAR, "symbol": "A", "time": str(day)}]).late(known) == ""
    late = _sent(known, [{**BAR, "symbol": "A", "time": str(day + 30)}]).late(known)
    assert "bars seem to be missing" in late


def test_volume_that_the_version_has_not_is_not_looked_at() -> None:
    known = quorate.Bars.from_frame(frame(["A"]).drop(columns="volume"))
    assert np.isnan(_sent(known, [BAR]).fields["volume"]).all()
