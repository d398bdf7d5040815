"""A run on a vendor's bars: what it says of them, and what it says when the vendor rewrites them."""

from __future__ import annotations

import pandas as pd
import pytest

import quorate
from quorate.runs.imports import import_bars, update_bars
from quorate.runs.reproduce import reproduce
from quorate.store.bars.store import BarStore
from quorate.testing.markets import market
from support.vendors import Yahoo, daily


@pytest.fixture
def yahoo(monkeypatch, tmp_path):
    made = market(400)
    raw = pd.DataFrame({name: getattr(made, name)[:, 0] for name in ("open", "high", "low", "close")})
    found = Yahoo(monkeypatch, tmp_path / "yahoo")
    found.listed["ACME"] = raw.assign(volume=1e6).set_axis(daily(made.sessions).index)
    return found


def test_a_run_names_the_vendor_and_says_what_it_has_rewritten_since(yahoo, tiny):
    recipe = {**tiny, "data": {"source": "yfinance", "symbols": ["ACME"]}}
    report = quorate.run(recipe)
    data = report.provenance["data"]
    assert list(data["read_by"]) == ["yfinance"]
    assert report.provenance["recipe"]["data"]["symbols"] == ["ACME"]
    later = yahoo.listed["ACME"]
    day = later.index[-1] + pd.Timedelta(days=1)
    yahoo.listed["ACME"] = pd.concat([later, later.iloc[-1:].set_axis([day])])
    same = reproduce(report.run_id, ask_source=True)
    assert (same.identical, same.source) == (True, [])  # what came since is no matter
    later.loc[later.index[200:203], "close"] = later["open"].iloc[200:203]
    yahoo.listed["ACME"] = later.drop(later.index[300])
    asked = len(yahoo.asked)
    assert reproduce(report.run_id).source is None
    assert len(yahoo.asked) == asked  # the bars are those that the home keeps
    other = reproduce(report.run_id, ask_source=True)
    assert other.identical
    bars, gone = other.source
    assert bars.startswith(f"ACME: 3 of {len(later)} bars have other values, the first at ")
    assert f": close {later['close'].iloc[200]:g} -> " not in bars
    assert f" -> {later['close'].iloc[200]:g}" in bars
    assert gone.startswith(f"ACME: 1 of {len(later)} bars gone, the first at ")


def test_the_store_keeps_what_was_traded_and_an_update_after_a_split_rewrites_nothing(yahoo, tmp_path):
    whole = yahoo.listed["ACME"]
    yahoo.listed["ACME"] = whole.iloc[:390]
    kept = BarStore(tmp_path / "store").collection("us", new=True)
    first = import_bars(kept, "yfinance", options={"symbols": ["ACME"]}, workers=1)
    assert (first.new, first.rewritten, first.failed) == (390, 0, [])
    yahoo.splits["ACME"] = {whole.index[395].date(): 3}
    raw = whole.copy()
    raw.iloc[395:, :4] /= 3
    yahoo.listed["ACME"] = raw
    then = update_bars(kept, workers=1)
    assert (then.new, then.rewritten, then.failed) == (10, 0, [])
    asked = [params for _, params in yahoo.asked if params["interval"] == "1d" and "period1" in params]
    assert pd.Timestamp(int(asked[-2]["period1"]), unit="s").date() > whole.index[370].date()
