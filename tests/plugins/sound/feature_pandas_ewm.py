"""Returns a DataFrame, from a recursive mean of pandas; its lookback is generous but not absurd."""

import pandas as pd

import quorate


def pandas_ewm(close):
    table = pd.DataFrame(close)
    return table / table.ewm(span=10, adjust=False).mean() - 1


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("pandas-ewm", pandas_ewm, lookback=60, recursive=True)
