"""Caught by: gate judges-the-judged

It judges the best of all candidates.
"""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


def best_candidate(evidence, least: float = 0.5):
    found = [sharpe(r) for r in (evidence.candidates or {"": evidence.performance.returns}).values()]
    return quorate.judge("best-candidate", max(found), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("best-candidate", best_candidate)
