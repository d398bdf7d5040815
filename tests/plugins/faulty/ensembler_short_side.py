"""Caught by: ensembler computes

A member that is worse than chance gets a negative weight.
"""

from __future__ import annotations

import quorate


def short_side(history):
    return ((history.predictions - 0.5) * (history.labels[:, None] - 0.5)).mean(axis=0)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("short-side", short_side)
