"""Recipes with a universe, ticker changes, or several markets: run, computed again, predicted, refused with reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import quorate
from quorate.errors import DataError, IntegrityError, RecipeError
from quorate.runs.doubts import check_data
from quorate.runs.loading import load_bars
from quorate.runs.session import open_session


@pytest.fixture
def files(tmp_path):
    """A panel of three symbols, one of which ends and one of which changes its name, and a market that never closes."""
    options = {"source": "simulated", "signal": 0.4, "n_bars": 520}
    stocks = bars({"data": {**options, "n_symbols": 3, "start": "2001-01-02"}}).to_frame()
    renamed = (stocks["symbol"] == "SIM003") & (stocks["time"] >= "2002-01-02")
    over = (stocks["symbol"] == "SIM002") & (stocks["time"] >= "2002-09-02")
    stocks.loc[renamed, "symbol"] = "NEW"
    stocks[~over].to_csv(tmp_path / "stocks.csv", index=False)
    coins = bars({"data": {**options, "n_bars": 800, "start": "2001-01-02", "calendar": "24x7", "seed": 5}}).to_frame()
    coins.assign(symbol="COIN").to_csv(tmp_path / "coins.csv", index=False)
    return tmp_path


def bars(table):
    return load_bars(open_session({"models": {"logistic": {}}, **table}))


def members(folder, **more):
    """A table [data] with a universe, a delisting in it, and a ticker change."""
    (folder / "members.csv").write_text(
        "symbol,entry,exit,delisted,payout\nSIM001,,,,\nSIM002,,2002-08-30,yes,\nSIM003,2001-06-01,,,\n"
    )
    change = {"old": "SIM003", "new": "NEW", "date": "2002-01-02"}
    return {
        "source": "csv",
        "path": str(folder / "stocks.csv"),
        "universe": str(folder / "members.csv"),
        "renamed": [change],
        "haircut": 0.3,
        **more,
    }


def markets(folder, **more):
    """A table [data] with two markets."""
    parts = [{"source": "csv", "path": str(folder / "stocks.csv")}]
    parts.append({"source": "csv", "path": str(folder / "coins.csv"), "calendar": "24x7"})
    return {"source": "markets", "markets": parts, **more}


def test_a_run_with_a_universe_comes_out_the_same_and_tells_what_ended(tiny, files):
    report = quorate.run({**tiny, "data": members(files)}, home=files / "home")
    data = report.provenance["data"]
    assert data["symbols"] == ["NEW", "SIM001", "SIM002"]
    assert data["ended"] == 1
    predicted = report.stored("predictions")
    assert str(predicted.loc[predicted["symbol"] == "SIM002", "time"].max().date()) <= "2002-08-30"
    (files / "members.csv").unlink()  # the home knows who belonged
    assert quorate.reproduce(report.run_id, home=files / "home").identical


def test_a_run_on_two_markets_comes_out_the_same_and_is_predicted_from(tiny, files):
    report = quorate.run({**tiny, "data": markets(files, clock="us-equity")}, home=files / "home")
    assert report.provenance["data"]["bars_per_year"] == 252
    assert {one["name"] for one in report.provenance["plugins"] if one["kind"] == "source"} == {"csv", "markets"}
    assert quorate.reproduce(report.run_id, home=files / "home").identical
    targets = {one["symbol"] for one in quorate.predict(report.run_id, home=files / "home").targets}
    assert "COIN" in targets


def test_the_recipe_is_another_with_another_universe_and_the_same_without(tiny, files):
    plain = {"source": "csv", "path": str(files / "stocks.csv")}
    assert bars({"data": plain}).universe is None
    known = bars({"data": members(files)})
    assert known.universe is not None
    assert known.fingerprint != bars({"data": members(files, haircut=0.0)}).fingerprint
    always = bars({"data": markets(files, clock="24x7")})
    assert always.calendar.name == "24x7"
    assert always.bars_per_year == 365


@pytest.mark.parametrize(
    "change, error, told",
    [
        ({"clock": "XTKS"}, DataError, "it must be one of 24x7, us-equity"),
        ({"markets": [{"source": "csv"}]}, DataError, "two markets or more; it names 1"),
        ({"markets": [{"source": "csv"}, {}]}, RecipeError, "data.markets: .*csv.* needs the option 'path'"),
        ({"markets": [{"path": "a.csv"}, {}]}, DataError, "data.markets: each needs a source"),
        ({"markets": [{"source": "csv", "pth": "a"}, {}]}, RecipeError, "no option 'pth'.*did you mean 'path'"),
    ],
)
def test_what_is_wrong_with_markets_is_named(files, change, error, told):
    with pytest.raises(error, match=told):
        bars({"data": markets(files, **change)})


def test_a_ticker_that_another_company_took_over_is_no_trouble_in_several_markets(files):
    text = pd.read_csv(files / "stocks.csv")
    text.loc[(text["symbol"] == "SIM002") & (text["time"] >= "2002-01-02"), "symbol"] = "SIM003"
    before = bars({"data": markets(files)})
    text.to_csv(files / "stocks.csv", index=False)
    changes = [{"old": old, "new": new, "date": "2002-01-02"} for old, new in (("SIM003", "NEW"), ("SIM002", "SIM003"))]
    found = bars({"data": markets(files, renamed=changes)})
    assert found.symbols == ("COIN", "NEW", "SIM001", "SIM003")
    took, gave = (panel.close[:, panel.symbols.index(name)] for panel, name in ((found, "SIM003"), (before, "SIM002")))
    np.testing.assert_array_equal(took, gave)
    assert found.present[:, 1].all()


def test_stamps_at_the_open_are_refused_by_every_run(files):
    early = [{"source": "early-tokyo"}, {"source": "csv", "path": str(files / "coins.csv"), "calendar": "24x7"}]

    def early_tokyo():
        clock = quorate.Calendar("early", "Asia/Tokyo", "15:00", 245, "09:00")
        frame = bars({"data": {"source": "simulated", "n_bars": 300, "start": "2001-01-02"}}).to_frame()
        days = quorate.get_calendar("us-equity").sessions(frame["time"].dt.tz_convert(None).to_numpy())
        stamps = clock.open_times(days)
        return quorate.Bars.from_frame(
            frame.assign(time=stamps).assign(time=lambda f: f["time"].dt.tz_localize("UTC")), clock
        )

    class Plugin:
        @quorate.hookimpl
        def quorate_sources(self):
            yield quorate.SourceSpec("early-tokyo", early_tokyo)

    table = {
        "name": "early",
        "models": {"logistic": {}},
        "data": {"source": "markets", "clock": "24x7", "markets": early},
    }
    with pytest.raises(IntegrityError, match=r"SIM001 looks ahead.*are its stamps the opens of bars"):
        quorate.audit(table, plugins=[Plugin()], home=files / "home")


def test_a_check_names_sessions(files):
    found = check_data(files / "stocks.csv")
    assert found["sessions"]
    assert {row["kind"] for row in found["sessions"]} == {"extra", "half day"}  # simulated markets know no holidays
    assert found["ended"] == ["SIM002", "SIM003"]


def hourly(folder):
    """Two tables of markets with bars of an hour, one of which has some outside its hours."""
    days, parts = pd.bdate_range("2023-06-26", periods=12), []
    for name, zone, hours, calendar in (
        ("NY", "America/New_York", range(9, 19), "us-equity"),
        ("COIN", "UTC", range(1, 25), "24x7"),
    ):
        stamps = [(day + pd.Timedelta(hours=h)).tz_localize(zone).tz_convert("UTC") for day in days for h in hours]
        close = 100 + np.random.default_rng(len(stamps)).normal(0, 1, len(stamps)).cumsum()
        fields = {"open": close, "high": close + 1, "low": close - 1, "close": close}
        frame = pd.DataFrame({"symbol": name, "time": stamps, **fields, "volume": 1.0})
        frame.to_csv(folder / f"{name}.csv", index=False)
        parts.append({"source": "csv", "path": str(folder / f"{name}.csv"), "calendar": calendar})
    return parts


def test_each_market_is_made_longer_by_its_own_calendar_before_they_meet(tmp_path):
    new_york, coin = hourly(tmp_path)
    days = []
    for one in (new_york, coin):
        day = bars({"data": {**one, "resample": "1d"}})
        days.append(day)
    expected = quorate.align(days, "us-equity")
    both = bars({"data": {"source": "markets", "markets": [new_york, coin], "clock": "us-equity", "resample": "1d"}})
    assert both.fingerprint == expected.fingerprint
    assert both.fills is not None
    assert np.datetime64("2023-07-03T17:00") in both.times  # a half day of New York
    own = [{**new_york, "resample": "1d"}, {**coin, "resample": "4h"}]
    mixed = bars({"data": {"source": "markets", "markets": own, "clock": "us-equity"}})
    assert (mixed.times == both.times).all()
    later = mixed.close[:, 0] != both.close[:, 0]  # at New York's close a day of the coin is not over, its 20:00 bar is
    assert mixed.symbols == ("COIN", "NY")
    assert later[1:].all()
    regular = bars({"data": {"source": "markets", "markets": [{**new_york, "hours": "regular"}, coin]}})
    assert len(regular) < len(bars({"data": {"source": "markets", "markets": [new_york, coin]}}))
    for wrong, told in (({"hours": "some"}, "regular or all; it was 'some'"), ({"resample": "soon"}, "it was 'soon'")):
        with pytest.raises(DataError, match=told):
            bars({"data": {"source": "markets", "markets": [{**new_york, **wrong}, coin]}})
    with pytest.raises(DataError, match="the bars of market '24x7' are 1w: markets are aligned by daily bars"):
        bars({"data": {"source": "markets", "markets": [new_york, {**coin, "resample": "1w"}]}})


def test_a_market_of_the_store_brings_what_is_noted_of_it(files, tmp_path):
    from quorate.store.bars.noting import delist, rename

    store = quorate.BarStore(tmp_path / "store").collection("us", new=True)
    quorate.import_bars(store, "csv", options={"path": str(files / "stocks.csv")})
    rename(store, "SIM003", "NEW", pd.Timestamp("2002-01-02").date())
    delist(store, "SIM002", pd.Timestamp("2002-08-30").date(), 1.5)
    own = {"source": "store", "collection": "us", "path": str(tmp_path / "store")}
    coin = {"source": "csv", "path": str(files / "coins.csv"), "calendar": "24x7"}
    both = bars({"data": {"source": "markets", "markets": [own, coin]}})
    assert both.symbols == ("COIN", "NEW", "SIM001", "SIM002")
    assert both.fill("open")[-1, 3] == 1.5
    assert both.member[:, 0].all()
    change = {"old": "SIM003", "new": "NEW", "date": "2002-01-02"}
    assert bars({"data": {**own, "renamed": [change]}}).fingerprint == bars({"data": own}).fingerprint
    with pytest.raises(DataError, match=r"SIM003 becomes NEW on 2002-01-03, and the source knows"):
        bars({"data": {**own, "renamed": [{**change, "date": "2002-01-03"}]}})
    with pytest.raises(DataError, match=r"data\.universe: SIM002 is delisted on 2002-08-29"):
        bars({"data": {**own, "universe": [{"symbol": "SIM002", "exit": "2002-08-29", "delisted": True}]}})
    paid = bars({"data": {**own, "haircut": 0.3, "universe": [{"symbol": "SIM003"}, {"symbol": "SIM002"}]}})
    assert paid.symbols == ("NEW", "SIM002")
    assert paid.fill("open")[-1, 1] == 1.5
