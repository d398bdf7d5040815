"""Threads that stay, their results in order."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd

import quorate

POOL = ThreadPoolExecutor(2)


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def pool_of_module(close):
    a, b = POOL.map(lambda n: trend(close, n), (5, 10))
    return a + b


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("pool-of-module", pool_of_module, lookback=10)
