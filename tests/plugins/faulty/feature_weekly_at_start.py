"""Caught by: feature prefix-invariant, feature scramble-invariant

Five bars make a week, whose close is known from the week's first bar on.
"""

import numpy as np
import pandas as pd

import quorate


def weekly_at_start(close):
    week = np.arange(len(close)) // 5
    last = pd.DataFrame(close).groupby(week).transform("last").to_numpy()
    return last / close - 1


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("weekly-at-start", weekly_at_start, lookback=5)
