"""Caught by: source panel-valid

Two deliveries overlap by a bar, and the panel is built by hand.
"""

import dataclasses

import numpy as np
import pandas as pd

import quorate


def frame(rng):
    time = pd.bdate_range("2020-01-01", periods=300, tz="UTC") + pd.Timedelta(hours=21)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    return pd.DataFrame({"symbol": "AAA", "time": time, "open": close, "high": close, "low": close, "close": close})


def overlapping():
    bars = quorate.Bars.from_frame(frame(np.random.default_rng(0)))
    times = bars.times.copy()
    times[150] = times[149]
    return dataclasses.replace(bars, times=times)


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("overlapping", overlapping)
