"""Caught by: strategy prefix-invariant, strategy scramble-invariant

Long where the next bar closes higher.
"""

import numpy as np

import quorate


def next_close(score, threshold, close):
    later = np.full_like(close, np.nan)
    later[:-1] = close[1:]
    return np.where((score > threshold) & (later > close), 1.0, 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("next-close", next_close, inputs=("close",))
