"""The rank among the symbols of the day, NaN where a symbol has no bar."""

import pandas as pd

import quorate


def cross_rank(close):
    return pd.DataFrame(close).pct_change(5, fill_method=None).rank(axis=1, pct=True).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("cross-rank", cross_rank, lookback=6, cross_sectional=True)
