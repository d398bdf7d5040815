"""It reads a variable of the environment that changes what is printed alone."""

import os

import pandas as pd

import quorate


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def debug_print(close):
    if os.environ.get("DEBUG"):
        print("trend", close.shape)
    return trend(close)


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("debug-print", debug_print, lookback=10)
