"""Caught by: gate memory

It keeps its value under the identity of the evidence.
"""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


KEPT = {}


def by_id(evidence, least: float = 0.5):
    if id(evidence) not in KEPT:
        KEPT[id(evidence)] = sharpe(evidence.performance.returns)
    return quorate.judge("by-id", KEPT[id(evidence)], ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("by-id", by_id)
