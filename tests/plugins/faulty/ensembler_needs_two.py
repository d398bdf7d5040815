"""Caught by: ensembler one-member

It fails with one member, which has nobody to be compared with.
"""

from __future__ import annotations

import numpy as np

import quorate


def needs_two(history):
    error = ((history.predictions - history.labels[:, None]) ** 2).mean(axis=0)
    second = np.sort(error)[1]
    return (error <= second).astype(float)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("needs-two", needs_two)
