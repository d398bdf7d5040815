"""Caught by: feature lookback-tight

A return over 20 bars reads 21 closes, not 22.
"""

import pandas as pd

import quorate


def lookback_long(close):
    return pd.DataFrame(close).pct_change(20).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("lookback-long", lookback_long, lookback=22)
