"""Caught by: ensembler prefix-invariant

An entry holds the errors of the next bar too: off by one.
"""

from __future__ import annotations

import numpy as np

import quorate


def path_one_late(history):
    _, step, count = np.unique(history.ends, return_inverse=True, return_counts=True)
    errors = (history.predictions - history.labels[:, None]) ** 2
    loss = np.column_stack([np.bincount(step, e) / count for e in errors.T]).cumsum(axis=0)
    ahead = np.vstack([loss[1:], loss[-1:]])
    return 1 / (ahead + 1e-6 * ahead.max(axis=1, keepdims=True) + 1e-12)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("path-one-late", path_one_late, update="bar")
