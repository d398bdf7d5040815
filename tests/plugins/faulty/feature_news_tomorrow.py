"""Caught by: feature prefix-invariant

Reads a covariate a bar before it was known.
"""

import numpy as np

import quorate


def news_tomorrow(score):
    return np.concatenate([score[1:], score[-1:]])


@quorate.hookimpl
def quorate_features():
    yield quorate.FeatureSpec("news-tomorrow", news_tomorrow, inputs=("news.score",))
