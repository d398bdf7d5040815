"""Caught by: feature prefix-invariant, feature scramble-invariant

The rank is taken over the entire history.
"""

import pandas as pd

import quorate


def rank_of_all(volume):
    return pd.DataFrame(volume).rank(pct=True).to_numpy()


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("rank-of-all", rank_of_all, inputs=("volume",))
