"""Caught by: ensembler prefix-invariant

Losses are divided by the mean loss of the whole history, later labels included.
"""

from __future__ import annotations

import numpy as np

import quorate


def path_scaled_by_all(history):
    _, step, count = np.unique(history.ends, return_inverse=True, return_counts=True)
    errors = (history.predictions - history.labels[:, None]) ** 2
    loss = np.column_stack([np.bincount(step, e) / count for e in errors.T]).cumsum(axis=0)
    return np.exp(-(loss - loss.min(axis=1, keepdims=True)) / errors.mean())


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("path-scaled-by-all", path_scaled_by_all, update="bar")
