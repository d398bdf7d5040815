"""Hourly bars of a market that never closes."""

import numpy as np
import pandas as pd

import quorate


def hourly(days=40):
    time = pd.date_range("2022-01-01 01:00", periods=24 * days, freq="h", tz="UTC")
    close = 100 + 5 * np.sin(np.arange(len(time)) / 9.0) + np.arange(len(time)) % 7
    table = pd.DataFrame({"symbol": "COIN", "time": time, "open": close, "high": close + 1, "low": close - 1})
    return quorate.Bars.from_frame(table.assign(close=close, volume=1000.0), "24x7")


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("hourly", hourly)
