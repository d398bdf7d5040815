"""Daily bars of a market that closes at midnight, and are stamped with it."""

import numpy as np
import pandas as pd

import quorate


def midnight_close(n_bars=300):
    time = pd.date_range("2020-01-02", periods=n_bars, tz="UTC")
    close = 100 + 5 * np.sin(np.arange(n_bars) / 9.0)
    table = pd.DataFrame({"symbol": "COIN", "time": time, "open": close, "high": close + 1, "low": close - 1})
    return quorate.Bars.from_frame(table.assign(close=close, volume=1000.0), "24x7")


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("midnight-close", midnight_close)
