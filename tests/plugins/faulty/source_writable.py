"""Caught by: source read-only

Its arrays can be written.
"""

import dataclasses

import numpy as np
import pandas as pd

import quorate


def frame(rng):
    time = pd.bdate_range("2020-01-01", periods=300, tz="UTC") + pd.Timedelta(hours=21)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    return pd.DataFrame({"symbol": "AAA", "time": time, "open": close, "high": close, "low": close, "close": close})


def writable():
    bars = quorate.Bars.from_frame(frame(np.random.default_rng(0)))
    return dataclasses.replace(bars, close=bars.close.copy(order="F"))


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("writable", writable)
