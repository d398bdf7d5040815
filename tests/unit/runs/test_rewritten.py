"""How the bars that a source gives now are other than those that a run read of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
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


def written(folder, name, start, n, every="B"):
    close = 100 * np.exp(np.random.default_rng(len(name)).normal(0, 0.01, n).cumsum())
    table = {"open": close * 1.001, "high": close * 1.002, "low": close * 0.999, "close": close}
    dates = pd.date_range(start, periods=n, freq=every).strftime("%Y-%m-%d")
    pd.DataFrame({"date": dates, **table}).to_csv(folder / f"{name}.csv", index=False)


@pytest.mark.parametrize(
    ("data", "holdout"),
    [
        ({"resample": "1w"}, {}),
        ({"resample": "1mo", "until": "2024-05-10"}, {}),  # March ended on a holiday, Good Friday
        ({"resample": "1mo", "since": "2023-02-08", "until": "2024-04-05"}, {}),
        ({"calendar": "24x7"}, {"symbols": ["coin"]}),
        ({"calendar": "24x7", "resample": "1w", "checks": {"outliers": "quarantine"}}, {"symbols": ["coin"]}),
    ],
    ids=["weeks", "months", "months since", "held out", "weeks with one held out"],
)
def test_a_source_that_gives_the_same_bars_has_rewritten_none(tmp_path, data, holdout):
    folder = tmp_path / "bars"
    folder.mkdir()
    written(folder, "stock", "2023-01-03", 370)
    (folder / "stock.csv").write_text(
        "".join(line for line in (folder / "stock.csv").open() if not line.startswith("2024-03-29"))
    )
    if holdout:
        written(folder, "coin", "2022-12-01", 560, "D")
    table = {"data": {"source": "csv", "path": str(folder), **data}, "holdout": holdout, "models": {"ridge": {}}}
    session = open_session({"name": "same", "labels": {"name": "return"}, **table}, home=tmp_path / "home")
    bars = hold_out(session, load_bars(session))
    assert rewritten(session, bars) == []
    written(folder, "stock", "2023-01-03", 200)
    assert rewritten(session, bars) != []


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
