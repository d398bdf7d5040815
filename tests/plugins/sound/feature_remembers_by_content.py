"""Keeps what it computed under the content of its input, so that nothing changes."""

import pandas as pd

import quorate

CACHE = {}


def remembers_by_content(close):
    key = (close.shape, close.tobytes())
    if key not in CACHE:
        frame = pd.DataFrame(close)
        CACHE[key] = (frame / frame.rolling(10).mean() - 1).to_numpy()
    return CACHE[key]


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("remembers-by-content", remembers_by_content, lookback=10)
