"""Caught by: ensembler future-free

It adds up the errors of every history that it ever saw.
"""

from __future__ import annotations

import numpy as np

import quorate

SEEN = {}


def global_memory(history):
    for name, column in zip(history.members, history.predictions.T, strict=True):
        error = float(np.mean((column - history.labels) ** 2))
        SEEN[name] = min(error, SEEN.get(name, 1.0))
    return np.array([1 / (SEEN[name] + 1e-9) for name in history.members])


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("global-memory", global_memory)
