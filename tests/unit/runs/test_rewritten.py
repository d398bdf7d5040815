"""How the bars that a source gives now are other than those that a run read of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from quorate.bars.calendar import get_calendar
from quorate.runs.held_out import hold_out
from quorate.runs.loading import load_bars
from quorate.runs.rewritten import differing, rewritten
from quorate.runs.session import open_session
from quorate.testing.markets import market
from support import homes


def test_equal_bars_differ_in_nothing():
    bars = market(20, 2)
    assert list(differing(bars, bars)) == []


def test_each_symbol_that_differs_has_its_lines():
    bars = market(20, 3)
    first, second, third = bars.symbols
    volume = bars.volume.copy(order="F")
    volume[4:6, 1] += 1
    told = list(differing(bars, replace(bars, volume=volume).select([first, second])))
    assert told == [
        f"there are no bars of {third} any more",
        f"{second}: 2 of 20 bars have other values, the first at {bars.times[4]}: "
        f"volume {bars.volume[4, 1]:g} -> {bars.volume[4, 1] + 1:g}",
    ]
    assert list(differing(bars.select([first]), bars.select([first, second]))) == [
        f"there are bars of {second}, which there were not"
    ]


def test_bars_that_are_gone_or_new_are_counted():
    bars = market(20, 1)
    [symbol] = bars.symbols
    assert list(differing(bars, bars.take(2, 20))) == [f"{symbol}: 2 of 20 bars gone, the first at {bars.times[0]}"]
    assert list(differing(bars.take(0, 19), bars)) == [f"{symbol}: 1 new between them, the first at {bars.times[-1]}"]


def test_another_calendar_is_told():
    bars = market(20, 1)
    told = list(differing(bars, replace(bars, calendar=get_calendar("24x7"))))
    assert told == [f"the calendar was {bars.calendar.name!r} and is '24x7'"]


@pytest.mark.parametrize(
    ("data", "holdout"),
    [
        ({"resample": "1w"}, {"bars": 10}),
        ({"resample": "1mo", "since": "2015-01-13", "until": "2015-06-10"}, {"bars": 10}),
        ({}, {"bars": 10, "symbols": ["C"]}),  # which has bars at times of no other
    ],
)
def test_a_source_that_gives_the_same_again_differs_in_nothing(data, holdout, tmp_path):
    frame = market(150, 3).to_frame()
    frame["symbol"] = frame["symbol"].map(dict(zip(sorted(set(frame["symbol"])), "ABC", strict=True)))
    lost = frame["time"].isin(frame["time"].unique()[[20, 60]]) & (frame["symbol"] != "C")
    frame[~lost].to_csv(tmp_path / "bars.csv", index=False)
    data = {"source": "csv", "path": str(tmp_path / "bars.csv"), **data}
    session = open_session({**homes.recipe("tiny"), "data": data, "holdout": holdout}, home=tmp_path)
    bars = hold_out(session, load_bars(session))
    assert rewritten(session, bars) == []
    frame.loc[frame.index[70], "volume"] += 1.0
    frame[~lost].to_csv(tmp_path / "bars.csv", index=False)
    [line] = rewritten(session, bars)
    assert ": 1 of " in line
