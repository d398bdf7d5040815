"""Caught by: gate judges-the-judged

It judges buy and hold.
"""

import numpy as np

import quorate


def sharpe(r):
    r = np.asarray(r)
    return float(r.mean() / r.std() * 16) if len(r) > 20 and np.isfinite(r).all() and r.std() > 1e-12 else float("nan")


def of_benchmark(evidence, least: float = 0.5):
    return quorate.judge("of-benchmark", sharpe(evidence.benchmark.returns), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("of-benchmark", of_benchmark)
