"""Caught by: source panel-valid

Builds the panel by hand; high and low are exchanged.
"""

import dataclasses

import numpy as np
import pandas as pd

import quorate


def frame(rng):
    time = pd.bdate_range("2020-01-01", periods=300, tz="UTC") + pd.Timedelta(hours=21)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    return pd.DataFrame({"symbol": "AAA", "time": time, "open": close, "high": close, "low": close, "close": close})


def high_below_low():
    table = frame(np.random.default_rng(0))
    bars = quorate.Bars.from_frame(table.assign(high=table["high"] * 1.01, low=table["low"] * 0.99))
    return dataclasses.replace(bars, high=bars.low, low=bars.high)


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("high-below-low", high_below_low)
