"""Caught by: feature prefix-invariant

The warm-up is filled from the first value after it.
"""

import pandas as pd

import quorate


def warm_up_filled(close):
    return (close / pd.DataFrame(close).rolling(20).mean().bfill() - 1).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("warm-up-filled", warm_up_filled, lookback=1)
