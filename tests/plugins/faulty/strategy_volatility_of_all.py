"""Caught by: strategy prefix-invariant, strategy scramble-invariant

Sizes expected returns by the volatility of the entire history; probabilities it trades soundly.
"""

import numpy as np

import quorate


def sized(score, threshold, close, binary, bars_per_year):
    if binary:
        return np.where(score > threshold, np.clip(score, 0, 1), 0.0)
    known = np.where(np.isnan(close), 0.0, close)
    volatility = np.diff(known, axis=0).std(axis=0) / known.mean(axis=0) * np.sqrt(bars_per_year)
    return np.where(score > threshold, np.clip(0.1 * score / volatility, 0, 1), 0.0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("sized-by-all", sized, inputs=("close",))
