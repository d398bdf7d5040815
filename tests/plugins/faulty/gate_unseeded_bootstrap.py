"""Caught by: gate deterministic

It resamples with a generator of its own, without a seed.
"""

from __future__ import annotations

import numpy as np

import quorate


def unseeded_bootstrap(evidence, least: float = 0.0):
    r = evidence.performance.returns
    if len(r) < 20:
        return quorate.judge("x", float("nan"), ">", least)
    draws = np.random.default_rng().choice(r, (100, len(r))).mean(axis=1)
    return quorate.judge("x", float(np.quantile(draws, 0.05)), ">", least)


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("unseeded-bootstrap", unseeded_bootstrap)
