"""A portfolio: the two best share the capital by their scores."""

import numpy as np

import quorate


def leaders(score, threshold):
    known = np.where(np.isnan(score), -np.inf, score)
    rank = np.argsort(np.argsort(-known, axis=1, kind="stable"), axis=1, kind="stable")
    sizes = np.where((rank < 2) & (known > threshold) & (known > 0), known, 0.0)
    total = sizes.sum(axis=1, keepdims=True)
    return np.divide(sizes, total, out=np.zeros(score.shape), where=total > 0)


@quorate.hookimpl
def quorate_strategies():
    yield quorate.StrategySpec("leaders", leaders, cross_sectional=True, portfolio=True)
