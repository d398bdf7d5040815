"""Caught by: source secret-untold

What was read is told with the address, the token in it.
"""

import dataclasses

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


def read(token="none"):
    bars = quorate.Bars.from_frame(history("AAA"))
    return dataclasses.replace(bars, read=({"address": f"https://vendor/bars?token={token}"},))


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("tells-token", read, description="bars of a vendor")
