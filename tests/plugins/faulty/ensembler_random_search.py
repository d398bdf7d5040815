"""Caught by: ensembler deterministic

It draws weights at random without a seed.
"""

from __future__ import annotations

import numpy as np

import quorate


def random_search(history):
    return np.random.default_rng().random(len(history.members)) + 0.1


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("random-search", random_search)
