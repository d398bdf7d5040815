"""Caught by: ensembler members-exchangeable

The first member gets more, because it is the first.
"""

from __future__ import annotations

import numpy as np

import quorate


def first_column(history):
    return 1 / np.arange(1, len(history.members) + 1)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("first-column", first_column)
