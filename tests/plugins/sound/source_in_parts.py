"""Bars by symbol, of which a part may be asked for, with splits, a token, and a word on what was read."""

import dataclasses
import datetime as dt

import numpy as np
import pandas as pd

import quorate

SYMBOLS = ["AAA", "BBB", "CCC"]


def history(symbol):
    rng = np.random.default_rng(SYMBOLS.index(symbol))
    time = pd.bdate_range("2020-01-01", periods=200, tz="UTC") + pd.Timedelta(hours=21)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, len(time))))
    prices = dict.fromkeys(["open", "high", "low", "close"], close)
    return pd.DataFrame({"symbol": symbol, "time": time, **prices, "volume": 100.0})


def read(symbols=None, token="none", since=None, until=None):
    for symbol in symbols or SYMBOLS:
        if symbol not in SYMBOLS:
            raise quorate.DataError(f"there are no bars of {symbol!r}")
    table = pd.concat([history(symbol) for symbol in symbols or SYMBOLS])
    day = table["time"].dt.date
    # A vendor that gives whole weeks: more than was asked for.
    if since is not None:
        table = table[day >= since - dt.timedelta(days=7)]
    if until is not None:
        table = table[table["time"].dt.date <= until + dt.timedelta(days=7)]
    bars = quorate.Bars.from_frame(table)
    return dataclasses.replace(bars, read=({"symbols": list(bars.symbols), "token": "given" if token else "none"},))


def parts(symbols=None, **options):
    return [{"symbols": [symbol]} for symbol in symbols or SYMBOLS]


def actions(symbols=None, **options):
    return pd.DataFrame(
        {
            "symbol": ["AAA", "AAA"],
            "session": pd.to_datetime(["2020-03-02", "2020-03-02"]),
            "kind": ["split", "dividend"],
            "value": [0.5, 0.01],
        }
    )


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("in-parts", read, actions=actions, parts=parts)
