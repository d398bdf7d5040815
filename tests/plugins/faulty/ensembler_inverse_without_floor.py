"""Caught by: ensembler computes

It divides by the error, also of a member that made none.
"""

from __future__ import annotations

import quorate


def inverse_without_floor(history):
    return 1 / ((history.predictions - history.labels[:, None]) ** 2).mean(axis=0)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("inverse-without-floor", inverse_without_floor)
