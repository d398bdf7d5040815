"""Only the last bars count, and no more than there are."""

from __future__ import annotations

import numpy as np

import quorate


def recent(history, bars: int = 100):
    late = history.bars > history.bars[-1] - bars
    error = np.abs(history.predictions[late] - history.labels[late, None]).mean(axis=0)
    return np.exp(-5 * (error - error.min()) / (error.std() + 1e-12))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("recent", recent)
