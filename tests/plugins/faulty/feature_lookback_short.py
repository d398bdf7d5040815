"""Caught by: feature lookback-enough

A return over 20 bars reads 21 closes; the first rows are filled, so nothing shows.
"""

import pandas as pd

import quorate


def lookback_short(close):
    return pd.DataFrame(close).pct_change(20).fillna(0.0).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("lookback-short", lookback_short, lookback=20)
