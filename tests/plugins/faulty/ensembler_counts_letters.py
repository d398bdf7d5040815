"""Caught by: ensembler members-with-gaps

It counts on members whose names are in sequence.
"""

from __future__ import annotations

import numpy as np

import quorate


def counts_letters(history):
    last = max(ord(name[-1]) for name in history.members) - ord("a")
    return np.ones(last + 1)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("counts-letters", counts_letters)
