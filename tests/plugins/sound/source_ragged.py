"""Three symbols, one listed late and one that ends; no volume; open and close only move."""

import numpy as np
import pandas as pd

import quorate


def ragged(n_bars=200, seed=3):
    rng = np.random.default_rng(seed)
    time = pd.bdate_range("2021-01-04", periods=n_bars, tz="UTC") + pd.Timedelta(hours=21)
    frames = []
    for symbol, part in (("ZZZ", slice(None)), ("LATE", slice(80, None)), ("GONE", slice(None, 120))):
        close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, n_bars)))
        table = pd.DataFrame({"symbol": symbol, "time": time, "open": close, "close": close})
        frames.append(table.assign(high=close, low=close)[part])
    return quorate.Bars.from_frame(pd.concat(frames))


@quorate.hookimpl
def quorate_sources():
    yield quorate.SourceSpec("ragged", ragged)
