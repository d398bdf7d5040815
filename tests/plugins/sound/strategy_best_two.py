"""Holds the two best symbols; NaN is never among them."""

import numpy as np
import pandas as pd

import quorate


def best_two(score, threshold):
    rank = pd.DataFrame(score).rank(axis=1, ascending=False).to_numpy()
    return np.where((rank <= 2) & (score > threshold), 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("best-two", best_two, cross_sectional=True)
