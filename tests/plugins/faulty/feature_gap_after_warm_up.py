"""Caught by: feature warm-up-only

A deviation of 20 returns reads 21 bars, so the 20th bar has none.
"""

import pandas as pd

import quorate


def gap_after_warm_up(close):
    return pd.DataFrame(close).pct_change().rolling(20).std().to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("gap-after-warm-up", gap_after_warm_up, lookback=20)
