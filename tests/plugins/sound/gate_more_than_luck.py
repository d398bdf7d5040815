"""It counts what was tried beside against the judged series."""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


def more_than_luck(evidence, least: float = 0.5):
    n = max(1, len(evidence.candidates))
    luck = float(np.sqrt(2 * np.log(n)) / np.sqrt(max(1, len(evidence.performance.returns))) * 16)
    return quorate.judge("more-than-luck", sharpe(evidence.performance.returns) - luck, ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("more-than-luck", more_than_luck)
