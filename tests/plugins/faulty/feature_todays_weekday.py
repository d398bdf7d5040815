"""Caught by: feature surroundings

It reads the day on which it is computed.
"""

import datetime

import pandas as pd

import quorate


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def todays_weekday(close):
    return trend(close) * (1.0 if datetime.date.today().weekday() < 4 else 0.5)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("todays-weekday", todays_weekday, lookback=10)
