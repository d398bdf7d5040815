"""Caught by: feature leaves-no-files

It writes its values into the working folder.
"""

import pandas as pd

import quorate


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def dumps_csv(close):
    out = trend(close)
    pd.DataFrame(out).to_csv("trend.csv")
    return out


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("dumps-csv", dumps_csv, lookback=10)
