import datetime as dt

import numpy as np
import pandas as pd
import pytest
import requests

import quorate
from quorate_data.vendors import _fetch
from quorate_data.vendors.ccxt import ccxt
from support.vendors import date, on_the_line

MINUTE = 60_000
LENGTHS = {"1m": MINUTE, "1h": 60 * MINUTE, "1d": 1440 * MINUTE}
BEGIN = 1_704_067_200_000  # 2024-01-01 in UTC


class Binance:
    """The exchange's service for spot markets: a candle's close is its number since `BEGIN` plus 100."""

    def __init__(self, monkeypatch, now="2024-01-02 00:00:30"):
        self.listed = {"BTCUSDT": BEGIN, "ETHUSDT": BEGIN}
        self.now = int(pd.Timestamp(now).timestamp() * 1000)
        self.most, self.halted, self.failing, self.pages, self.slept = 1000, (0, 0), [], [], []
        self.overlap = False
        monkeypatch.setattr(_fetch, "now", lambda: pd.Timestamp(self.now, unit="ms"))
        monkeypatch.setattr(_fetch.time, "sleep", self.slept.append)
        on_the_line(monkeypatch, self.answer)

    def answer(self, _, path, fields):
        if self.failing and "klines" in path:
            failed = self.failing.pop(0)
            if isinstance(failed, Exception):
                raise failed
            return failed
        if path.endswith("/time"):
            return {"serverTime": self.now}
        if path.endswith("exchangeInfo"):
            return {"symbols": [self.market(name) for name in self.listed] if path.startswith("api.") else []}
        return self.candles(fields)

    def market(self, name):
        base = name.removesuffix("USDT")
        told = {"symbol": name, "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT", "filters": []}
        return {**told, "permissions": ["SPOT"], "isSpotTradingAllowed": True}

    def candles(self, fields):
        length, start = LENGTHS[fields["interval"]], int(fields["startTime"])
        self.pages.append((fields["symbol"], start, int(fields["limit"])))
        first = max(start, self.listed[fields["symbol"]])
        opens = range(-(-first // length) * length - (length if self.overlap else 0), self.now + 1, length)
        live = [at for at in opens if not self.halted[0] <= at < self.halted[1]]
        rows = []
        for at in live[: min(self.most, int(fields["limit"]))]:
            close = 100 + (at - BEGIN) / length
            rows.append(
                [at, f"{close - 0.5}", f"{close + 1}", f"{close - 1}", f"{close}", "7", at + length - 1, "0", 0]
            )
        return rows


@pytest.fixture
def binance(monkeypatch):
    return Binance(monkeypatch)


def read(frequency="1m", symbols=("BTC/USDT",), since="2024-01-01", **options):
    return ccxt("binance", list(symbols), frequency, since=date(since), **options)


def test_pages_join_without_a_hole_or_a_bar_twice(binance):
    binance.overlap = True  # each page begins with the last bar of the one before
    found = read()
    assert len(binance.pages) == 2
    assert found.close[:, 0].tolist() == [100.0 + n for n in range(1440)]
    assert set(np.diff(found.times).astype("timedelta64[m]").astype(int)) == {1}
    assert found.times[0] == np.datetime64("2024-01-01T00:01")  # a minute is known when it is over


def test_pages_shorter_than_asked_are_gone_through(binance):
    binance.most = 300
    assert len(read()) == 1440
    assert len(binance.pages) == 5


@pytest.mark.parametrize("seconds", [0, 1, 30, 59])
def test_the_bar_that_is_not_over_is_never_read(monkeypatch, seconds):
    binance = Binance(monkeypatch, f"2024-01-01 10:00:{seconds:02d}")
    found = read()
    assert binance.candles({"interval": "1m", "startTime": BEGIN, "limit": "1000", "symbol": "BTCUSDT"})[-1][0] > (
        binance.now - MINUTE
    )  # the exchange gives it
    assert found.times[-1] == np.datetime64("2024-01-01T10:00")
    assert found.close[-1, 0] == 699.0


def test_a_clock_here_that_is_ahead_finishes_no_bar(binance, monkeypatch):
    monkeypatch.setattr(_fetch, "now", lambda: pd.Timestamp("2024-01-03"))
    assert read().times[-1] == np.datetime64("2024-01-02T00:00")


def test_days_close_at_midnight_and_until_is_the_last_of_them(monkeypatch):
    Binance(monkeypatch, "2024-03-01 12:00")
    found = read("1d", until=date("2024-02-10"))
    assert (found.span, len(found), found.bars_per_year) == ("2024-01-01..2024-02-10", 41, 365)
    assert found.times[-1] == np.datetime64("2024-02-11T00:00")
    assert read("1d", since="2024-02-29").sessions.astype(str).tolist() == ["2024-02-29"]


def test_what_came_before_it_was_listed_is_passed_over_and_told(monkeypatch):
    binance = Binance(monkeypatch, "2024-01-06")
    binance.listed["BTCUSDT"] = BEGIN + 4 * 1440 * MINUTE
    with pytest.warns(quorate.DataWarning, match=r"BTC/USDT: the bars begin at 2024-01-05 00:00, data.since is"):
        found = read("1m")
    assert len(found) == 1440


def test_a_halt_longer_than_a_page_ends_nothing(binance):
    binance.most = 100
    binance.halted = (BEGIN + 200 * MINUTE, BEGIN + 1000 * MINUTE)
    assert len(read()) == 1440 - 800


def test_errors_of_the_line_are_asked_again(binance):
    binance.failing = [
        (429, {"code": -1003, "msg": "Too many requests"}, {"Retry-After": "7"}),
        requests.exceptions.ConnectTimeout("too slow"),
        (503, {"msg": "maintenance"}, None),
    ]
    assert len(read()) == 1440
    assert [seconds for seconds in binance.slept if seconds >= 1] == [7.0, 2.0, 4.0]  # others are between requests


def test_an_exchange_that_turns_all_away_is_told_in_one_line(binance):
    binance.failing = [(429, {"code": -1003, "msg": "Too many requests"}, None)] * 99
    with pytest.raises(
        quorate.DataError, match=r"2 of 2 symbols did not come: 'BTC/USDT' \([A-Z]\w+: binance.*Too many.*5"
    ):
        read(symbols=("BTC/USDT", "ETH/USDT"))
    binance.failing = [(429, {"code": -1003, "msg": "Too many requests"}, {"Retry-After": "3600"})]
    with pytest.raises(quorate.DataError, match=r"it asks to wait for 3,600 seconds"):
        read()


@pytest.mark.parametrize(
    ("name", "meant"),
    [("BTCUSDT", "BTC/USDT"), ("btc-usdt", "BTC/USDT"), ("BTC/USD", "BTC/USDT"), ("BTX/USDT", "BTC/USDT")],
)
def test_a_market_that_is_none_is_told_with_what_is_like_it(binance, name, meant):
    with pytest.raises(quorate.DataError, match=rf"there is no market '{name}'; did you mean '{meant}'"):
        read(symbols=("ETH/USDT", name))
    assert binance.pages == []
    with pytest.warns(quorate.DataWarning, match=rf"1 of 2 symbols did not come: '{name}' .*; taken: 'ETH/USDT'"):
        assert read(symbols=("ETH/USDT", name), partial=True).symbols == ("ETH/USDT",)


def test_what_cannot_be_asked_is_told_before_anything_is(binance):
    for options, told in (
        ({"exchange": "binanse"}, r"ccxt knows no exchange 'binanse' \(data.exchange\); did you mean 'binance'"),
        ({"frequency": "7m"}, r"data.frequency must be one of '1s', '1m', .*'1d'; it was '7m'"),
        ({"frequency": "1M"}, r"data.frequency must be one of .*; it was '1M'"),
        ({"since": None}, r"set data.since"),
        ({"calendar": "us-equity"}, r'data.calendar must be "24x7"; it was \'us-equity\''),
    ):
        with pytest.raises(quorate.DataError, match=told):
            ccxt(**{"exchange": "binance", "symbols": ["BTC/USDT"], "since": dt.date(2024, 1, 1), **options})
    assert binance.pages == []


def test_days_that_begin_within_the_day_are_refused(binance, monkeypatch):
    monkeypatch.setitem(LENGTHS, "1d", 1440 * MINUTE)
    candles = binance.candles
    binance.candles = lambda fields: [[row[0] - 480 * MINUTE, *row[1:]] for row in candles(fields)][1:]
    binance.now += 5 * 1440 * MINUTE
    with pytest.raises(quorate.DataError, match=r"daily bars begin at 16:00 UTC, and end there on the day after"):
        read("1d")
