"""Caught by: plugin known-gaps, feature prefix-invariant

It knows that it looks ahead and says so; that is no excuse.
"""

import numpy as np

import quorate


def tomorrow(close):
    ahead = np.zeros_like(close)
    ahead[:-1] = close[1:] / close[:-1] - 1
    return ahead


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("tomorrow", tomorrow, known_gaps={"prefix-invariant": "it is for research only"})
