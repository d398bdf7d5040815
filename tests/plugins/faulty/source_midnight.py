"""Caught by: source panel-valid

Stamps daily bars of a market that closes in the afternoon with their date.
"""

import numpy as np
import pandas as pd

import quorate


def midnight(n_bars=300):
    time = pd.date_range("2020-01-01", periods=n_bars, tz="UTC")
    close = 100 + 5 * np.sin(np.arange(n_bars) / 9.0)
    table = pd.DataFrame({"symbol": "AAA", "time": time, "open": close, "high": close + 1, "low": close - 1})
    return quorate.Bars.from_frame(table.assign(close=close, volume=1000.0))


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("midnight", midnight)
