"""A set and an identity that change nothing."""

import pandas as pd

import quorate


def trend(close, n=10):
    return (pd.DataFrame(close) / pd.DataFrame(close).rolling(n).mean() - 1).to_numpy()


def sets(close):
    windows = {5, 10}
    seen = {id(close)}
    assert len(seen) == 1
    return sum(trend(close, n) for n in sorted(windows))


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("sets", sets, lookback=10)
