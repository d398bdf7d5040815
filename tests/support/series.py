"""Simulated series of mean zero that depend on what came before, or do not, many at a time."""

from __future__ import annotations

import numpy as np
from scipy import signal


def alike(rho):
    """Return a maker of series of which each value keeps a share of the one before."""

    def make(rng, draws, n):
        return signal.lfilter([1.0], [1.0, -rho], rng.normal(size=(draws, n + 200)), axis=1)[:, 200:]

    return make


def clustered(rng, draws, n):
    """Return series whose volatility comes in clusters, as in GARCH(1, 1) of daily indices."""
    noise, variance = rng.normal(size=(draws, n + 300)), np.ones(draws)
    found = np.empty_like(noise)
    for t in range(n + 300):
        found[:, t] = np.sqrt(variance) * noise[:, t]
        variance = 0.05 + 0.08 * found[:, t] ** 2 + 0.87 * variance
    return found[:, 300:]


KINDS = {"independent": alike(0.0), "AR(1) .2": alike(0.2), "AR(1) .4": alike(0.4), "clustered": clustered}
