"""A p-value of the best of all candidates: a test of all of them at once."""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


def any_better_than_chance(evidence, least: float = 0.05):
    found = [sharpe(r) for r in (evidence.candidates or {"": evidence.performance.returns}).values()]
    best = max(found) if all(np.isfinite(found)) else float("nan")
    p = float(np.exp(-max(best, 0.0))) if np.isfinite(best) else float("nan")
    return quorate.judge("any-better", p, "<", least, unit="p-value")


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("any-better", any_better_than_chance)
