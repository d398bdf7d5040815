"""A moving z-score by pandas, which keeps running sums; not defined where 20 closes are equal."""

import pandas as pd

import quorate


def pandas_zscore(close):
    table = pd.DataFrame(close)
    return ((table - table.rolling(20).mean()) / table.rolling(20).std()).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("pandas-zscore", pandas_zscore, lookback=20)
