"""Caught by: gate deterministic

It keeps its value under the number of bars.
"""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


KEPT = {}


def cached_by_length(evidence, least: float = 0.5):
    n = len(evidence.performance.returns)
    if n not in KEPT:
        KEPT[n] = sharpe(evidence.performance.returns)
    return quorate.judge("cached-by-length", KEPT[n], ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("cached-by-length", cached_by_length)
