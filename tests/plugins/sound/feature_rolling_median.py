"""The oldest bar moves a median seldom."""

import pandas as pd

import quorate


def rolling_median(close):
    table = pd.DataFrame(close)
    return (table / table.rolling(31).median() - 1).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("rolling-median", rolling_median, lookback=31)
