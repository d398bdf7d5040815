"""Caught by: source span-is-cut

Prices count from the first day that is asked for.
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


def read(since=None):
    table = history("AAA")
    if since is not None:
        table = table[table["time"].dt.date >= since].copy()
    table[["open", "high", "low", "close"]] /= table["close"].iloc[0] / 100
    return quorate.Bars.from_frame(table)


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("span-indexed", read, description="an index that begins at 100")
