"""Caught by: feature quiet-bars

Divides by a deviation that is zero after five equal closes.
"""

import pandas as pd

import quorate


def quiet_deviation(close):
    frame = pd.DataFrame(close)
    return ((frame - frame.rolling(5).mean()) / frame.rolling(5).std()).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("quiet-deviation", quiet_deviation, lookback=5)
