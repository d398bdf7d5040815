"""Caught by: ensembler future-free

Its Combiner reads weights that the next history overwrites.
"""

from __future__ import annotations

import numpy as np

import quorate

LATEST = {}


def combiner_latest_fit(history):
    error = ((history.predictions - history.labels[:, None]) ** 2).mean(axis=0)
    LATEST["weights"] = np.exp(-error / max(error.min(), 1e-12))
    LATEST["weights"] /= LATEST["weights"].sum()
    return quorate.Combiner(lambda rows: (rows.predictions * LATEST["weights"]).sum(axis=1))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("combiner-latest-fit", combiner_latest_fit)
