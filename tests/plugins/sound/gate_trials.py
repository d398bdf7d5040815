"""More trials make it harder."""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


def trials(evidence, least: float = 0.5):
    n = evidence.trials.n if evidence.trials else 1
    return quorate.judge("trials", sharpe(evidence.performance.returns) / (1 + 0.1 * np.log(n)), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("trials", trials)
