"""Caught by: ensembler computes

It counts on three members, whoever is there.
"""

from __future__ import annotations

import numpy as np

import quorate


def three_members(history):
    weights = np.ones(3)
    return weights[: len(history.members)] if len(history.members) != 2 else weights


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("three-members", three_members)
