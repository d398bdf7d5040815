"""Caught by: feature warm-up-only

A return over ten bars reads eleven closes.
"""

import pandas as pd

import quorate


def warm_up_undeclared(close):
    return pd.DataFrame(close).pct_change(10).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("warm-up-undeclared", warm_up_undeclared, lookback=10)
