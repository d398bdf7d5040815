"""Caught by: source fingerprint-honest

Every call gives other prices.
"""

import numpy as np
import pandas as pd

import quorate


def frame(rng):
    time = pd.bdate_range("2020-01-01", periods=300, tz="UTC") + pd.Timedelta(hours=21)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, 300)))
    return pd.DataFrame({"symbol": "AAA", "time": time, "open": close, "high": close, "low": close, "close": close})


def random_data():
    return quorate.Bars.from_frame(frame(np.random.default_rng()))


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("random-data", random_data)
