"""Resamples with the seed of the evidence."""

from __future__ import annotations

import numpy as np

import quorate


def bootstrap(evidence, least: float = 0.0):
    r = evidence.performance.returns
    if len(r) < 20 or not np.isfinite(r).all() or r.std() < 1e-12:
        return quorate.judge("x", float("nan"), ">", least, undefined="too few returns that vary")
    rng = np.random.default_rng(evidence.seed)
    low = float(np.quantile(rng.choice(r, (200, len(r))).mean(axis=1), 0.05))
    return quorate.judge("x", low, ">", least, unit="fraction", inputs={"seed": evidence.seed, "draws": np.int64(200)})


@quorate.hookimpl
def quorate_gates():
    yield quorate.GateSpec("bootstrap", bootstrap, tier="C")
