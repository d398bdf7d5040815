"""Caught by: source parts-listed

The parts come in the order of a set, another one each time.
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


_CALLS = []


def read(symbols=None):
    for symbol in symbols or SYMBOLS:
        if symbol not in SYMBOLS:
            raise quorate.DataError(f"there are no bars of {symbol!r}")
    return quorate.Bars.from_frame(pd.concat([history(symbol) for symbol in symbols or SYMBOLS]))


def parts(symbols=None):
    _CALLS.append(symbols)
    order = SYMBOLS if len(_CALLS) % 2 else SYMBOLS[::-1]
    return [{"symbols": [symbol]} for symbol in order]


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("parts-shuffled", read, parts=parts)
