"""An optimiser on the simplex, right to a few digits only."""

from __future__ import annotations

import numpy as np

import quorate


def simplex(history):
    from scipy.optimize import minimize

    n = len(history.members)
    scale = max(float(np.var(history.labels)), 1e-12)

    def loss(w):
        return float(np.mean((history.predictions @ w - history.labels) ** 2)) / scale

    total = {"type": "eq", "fun": lambda w: w.sum() - 1}
    found = minimize(loss, np.full(n, 1 / n), bounds=[(0, 1)] * n, constraints=[total], options={"ftol": 1e-10})
    return np.clip(found.x, 0, 1)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("simplex", simplex)
