"""Caught by: source panel-valid

Builds the panel by hand, and two bars are in the wrong order.
"""

import dataclasses

import numpy as np
import pandas as pd

import quorate


def frame(rng):
    time = pd.bdate_range("2020-01-01", periods=300, tz="UTC") + pd.Timedelta(hours=21)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    return pd.DataFrame({"symbol": "AAA", "time": time, "open": close, "high": close, "low": close, "close": close})


def unsorted():
    bars = quorate.Bars.from_frame(frame(np.random.default_rng(0)))
    order = np.arange(len(bars))
    order[[10, 11]] = order[[11, 10]]
    return dataclasses.replace(bars, times=bars.times[order])


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("unsorted", unsorted)
