"""Caught by: strategy surroundings

It takes half the size when it is run on a Friday.
"""

import time

import numpy as np

import quorate


def friday(score, threshold):
    size = 0.5 if time.localtime().tm_wday == 4 else 1.0
    return np.where(np.abs(np.nan_to_num(score)) > threshold, size * np.sign(np.nan_to_num(score)), 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("friday", friday)
