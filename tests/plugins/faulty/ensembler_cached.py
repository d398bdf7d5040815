"""Caught by: ensembler future-free

It keeps the weights of the first history for all later and earlier ones.
"""

from __future__ import annotations

import quorate

CACHE = {}


def cached(history):
    if history.members not in CACHE:
        error = ((history.predictions - history.labels[:, None]) ** 2).mean(axis=0)
        CACHE[history.members] = 1 / (error + 1e-9)
    return CACHE[history.members]


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("cached", cached)
