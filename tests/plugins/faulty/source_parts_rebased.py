"""Caught by: source parts-whole

Prices are rebased to the first symbol that is read, so a part by itself has others.
"""

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


def read(symbols=None):
    for symbol in symbols or SYMBOLS:
        if symbol not in SYMBOLS:
            raise quorate.DataError(f"there are no bars of {symbol!r}")
    tables = [history(symbol) for symbol in symbols or SYMBOLS]
    base = tables[0]["close"].iloc[0]
    for table in tables:
        table[["open", "high", "low", "close"]] *= 100 / base
    return quorate.Bars.from_frame(pd.concat(tables))


def parts(symbols=None):
    return [{"symbols": [symbol]} for symbol in symbols or SYMBOLS]


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("parts-rebased", read, parts=parts)
