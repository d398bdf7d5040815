import numpy as np
import pandas as pd
import pytest

import quorate
from quorate_data.vendors import _fetch
from quorate_data.vendors.yfinance import yfinance, yfinance_actions
from support.vendors import Yahoo, bars, daily, date

PRICES = ["open", "high", "low", "close"]


@pytest.fixture
def yahoo(monkeypatch, tmp_path):
    monkeypatch.setattr(_fetch.time, "sleep", lambda seconds: slept.append(seconds))
    slept = []
    found = Yahoo(monkeypatch, tmp_path)
    found.slept = slept
    return found


@pytest.fixture
def nvda(yahoo):
    """Prices in dollars as they were traded, through two splits and a dividend."""
    raw = daily(["2021-07-16", "2021-07-19", "2021-07-20", "2021-09-01", "2024-06-07", "2024-06-10", "2024-06-11"])
    raw.iloc[:2, :4] *= 40
    raw.iloc[2:5, :4] *= 10
    raw.loc[raw.index[:2], "volume"] /= 40
    raw.loc[raw.index[2:5], "volume"] /= 10
    yahoo.listed["NVDA"] = raw
    yahoo.splits["NVDA"] = {date("2021-07-20"): 4, date("2024-06-10"): 10}
    yahoo.dividends["NVDA"] = {date("2021-09-01"): 0.04, date("2024-06-11"): 0.01}
    return raw


def read(bars, name="close"):
    return getattr(bars, name)[:, 0].tolist()


def test_raw_prices_are_those_that_were_traded_through_every_split(nvda):
    found = yfinance(["NVDA"])
    for name in (*PRICES, "volume"):
        assert read(found, name) == pytest.approx(nvda[name].tolist(), rel=1e-12 if name in PRICES else 1e-5)
    assert found.sessions.astype(str).tolist() == [str(day) for day in nvda.index.date]
    assert str(found.times[0])[:16] == "2021-07-16T20:00"  # the close of the exchange


def test_a_split_that_comes_later_changes_no_raw_price(yahoo, nvda):
    wanted = {"since": date("2021-07-19"), "until": date("2021-09-01")}
    before = dict(yahoo.splits["NVDA"])
    after = yfinance(["NVDA"], **wanted)
    del yahoo.splits["NVDA"][date("2024-06-10")]
    yahoo.listed["NVDA"] = nvda[:4]
    earlier = yfinance(["NVDA"], **wanted)
    assert before != yahoo.splits["NVDA"]
    assert len(after) == len(earlier) == 3
    assert read(after) == pytest.approx(read(earlier), rel=1e-12)
    assert read(after, "volume") == pytest.approx(read(earlier, "volume"), rel=1e-5)


def test_actions_have_the_cash_of_their_day_and_fit_the_raw_prices(nvda):
    told = yfinance_actions(["NVDA"], calendar="us-equity")
    assert told["session"].dtype.kind == "M"
    rows = [(row.symbol, str(row.session.date()), row.kind, round(row.value, 9)) for row in told.itertuples()]
    assert rows == [
        ("NVDA", "2021-07-20", "split", 4.0),
        ("NVDA", "2024-06-10", "split", 10.0),
        ("NVDA", "2021-09-01", "dividend", 0.04),
        ("NVDA", "2024-06-11", "dividend", 0.01),
    ]
    found = yfinance(["NVDA"])
    days = found.sessions.astype("datetime64[us]")
    shares = [told[(told["kind"] == "split") & (told["session"] > day)]["value"].prod() for day in days]
    steps = np.diff(found.close[:, 0] / shares)  # in shares of today the case rises by one each day
    assert steps == pytest.approx(np.ones(6), rel=1e-9)


def test_actions_are_those_of_the_part_that_is_asked_for(nvda):
    told = yfinance_actions(["NVDA"], since=date("2021-08-01"), until=date("2022-01-01"))
    assert [(row.kind, round(row.value, 9)) for row in told.itertuples()] == [("dividend", 0.04)]


def test_adjusted_prices_are_yahoos_own(yahoo, nvda):
    found = yfinance(["NVDA"], adjusted=True)
    own = yahoo.chart("NVDA", {"interval": "1d"})["indicators"]["adjclose"][0]["adjclose"]
    assert read(found) == pytest.approx(own, rel=1e-12)


def test_a_split_that_yahoo_forgot_in_its_prices_is_not_undone_and_told(yahoo, nvda):
    yahoo.forgotten.add(date("2024-06-10"))
    with pytest.warns(quorate.DataWarning, match=r"NVDA: Yahoo tells of a split 10:1 on 2024-06-10, but its prices"):
        found = yfinance(["NVDA"])
    assert read(found) == pytest.approx(nvda["close"].tolist(), rel=1e-12)


def test_a_split_by_three_leaves_every_cent_of_what_was_traded(yahoo):
    raw = daily(["2024-01-02", "2024-01-03", "2024-01-04"])
    raw[PRICES] = [[100.17, 101.99, 99.01, 100.18], [10.01, 10.07, 9.97, 10.03], [3.35, 3.36, 3.34, 3.35]]
    yahoo.listed["ACME"] = raw
    yahoo.splits["ACME"] = {date("2024-01-03"): 10, date("2024-01-04"): 3}
    found = yfinance(["ACME"])
    assert [read(found, name) for name in PRICES] == [raw[name].tolist() for name in PRICES]
    assert read(found, "volume") == pytest.approx(raw["volume"].tolist(), rel=1e-6)


@pytest.mark.parametrize(("clock", "last"), [("19:59", "2024-06-10"), ("20:20", "2024-06-10"), ("20:31", "2024-06-11")])
def test_a_bar_that_is_not_over_is_never_read(nvda, monkeypatch, clock, last):
    monkeypatch.setattr(_fetch, "now", lambda: pd.Timestamp(f"2024-06-11 {clock}"))
    assert str(yfinance(["NVDA"]).sessions[-1]) == last


def test_symbols_of_several_exchanges_are_refused_or_known_at_midnight(yahoo):
    yahoo.listed["AAPL"] = daily(["2024-01-02", "2024-01-03"])
    yahoo.listed["SAP.DE"] = daily(["2024-01-02", "2024-01-03"], "Europe/Berlin")
    told = r"New_York: 'AAPL'; Europe/Berlin: 'SAP.DE'; the sessions of calendar 'us-equity' .* of one zone with d"
    with pytest.raises(quorate.DataError, match=told):
        yfinance(["AAPL", "SAP.DE"])
    with pytest.raises(quorate.DataError, match=r"name the calendar of their exchange, such as \"XETR\""):
        yfinance(["SAP.DE"])
    found = yfinance(["AAPL", "SAP.DE"], calendar="weekdays")
    assert (found.symbols, str(found.times[0])[:16]) == (("AAPL", "SAP.DE"), "2024-01-03T00:00")


def test_a_symbol_that_does_not_come_is_named_with_those_that_came(yahoo):
    for name in ("AAPL", "MSFT"):
        yahoo.listed[name] = daily(["2024-01-02", "2024-01-03"])
    told = r"1 of 3 symbols did not come: 'APPL' \(.*\); came: 'AAPL', 'MSFT'; to take these alone, set data.partial"
    with pytest.raises(quorate.DataError, match=told):
        yfinance(["AAPL", "APPL", "MSFT"])
    with pytest.warns(quorate.DataWarning, match=r"'APPL' \(.*\); taken: 'AAPL', 'MSFT'"):
        assert yfinance(["AAPL", "APPL", "MSFT"], partial=True).symbols == ("AAPL", "MSFT")


def test_what_was_turned_away_is_asked_again_after_longer_and_longer(yahoo):
    yahoo.listed["AAPL"] = daily(["2024-01-02", "2024-01-03"])
    # Each answer is asked for twice by yfinance itself, with another cookie.
    yahoo.failing = [(b"Too Many Requests", 429)] * 2 + [(b"<html>", 502)] * 2
    assert len(yfinance(["AAPL"])) == 2
    assert yahoo.slept == [1.0, 2.0]


def test_once_yahoo_turns_all_away_the_symbols_that_are_left_are_not_asked_for(yahoo):
    names = [f"S{n:02d}" for n in range(20)]
    yahoo.listed = {name: daily(["2024-01-02", "2024-01-03"]) for name in names}
    yahoo.failing = [(b"Too Many Requests", 429)] * 10_000
    with pytest.raises(quorate.DataError, match=r"20 of 20 symbols did not come: .*Rate limited.*asked 5 times"):
        yfinance(names)
    assert {name for name, _ in yahoo.asked} <= set(names[:8])


def test_how_far_back_yahoo_goes_is_told_before_anything_is_asked(yahoo):
    with pytest.raises(quorate.DataError, match=r"keeps bars of '1m' for 30 days, now from .* data.since was 2020"):
        yfinance(["AAPL"], frequency="1m", since=date("2020-01-02"))
    with pytest.raises(quorate.DataError, match=r"data.frequency must be one of '1d', '60m', .*; it was '1wk'"):
        yfinance(["AAPL"], frequency="1wk")
    with pytest.raises(quorate.DataError, match=r"data.symbols must be a list; for this one write \['AAPL'\]"):
        yfinance("AAPL")
    assert yahoo.asked == []


def test_bars_of_minutes_come_week_by_week_and_close_when_they_are_over(yahoo):
    today = pd.Timestamp.now("America/New_York").normalize()
    days = list(pd.bdate_range(today - pd.Timedelta(days=18), today - pd.Timedelta(days=1)))
    opens = [day + pd.Timedelta(hours=9.5, minutes=n) for day in days for n in range(3)]
    raw = bars(pd.DatetimeIndex(opens))
    yahoo.listed["AAPL"] = raw
    found = yfinance(["AAPL"], frequency="1m", since=days[0].date())
    windows = [params for _, params in yahoo.asked if params["interval"] == "1m"]
    assert len(windows) == 3
    assert read(found) == raw["close"].tolist()
    assert found.times[0] == (opens[0].tz_convert("UTC") + pd.Timedelta(minutes=1)).tz_localize(None).to_numpy()
    one = yfinance(["AAPL"], frequency="1m", since=days[-1].date(), until=days[-1].date())
    assert read(one) == raw["close"].tolist()[-3:]
