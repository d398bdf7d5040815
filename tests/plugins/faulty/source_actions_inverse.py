"""Caught by: source actions-valid

A split of one for two is told by the sign.
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
    return quorate.Bars.from_frame(pd.concat([history(symbol) for symbol in symbols or SYMBOLS]))


def actions(symbols=None):
    return pd.DataFrame(
        {"symbol": ["AAA"], "session": pd.to_datetime(["2020-03-02"]), "kind": ["split"], "value": [-2.0]}
    )


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("actions-inverse", read, actions=actions)
