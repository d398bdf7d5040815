"""Caught by: ensembler computes

It gives a weight per row instead of one per member.
"""

from __future__ import annotations

import numpy as np

import quorate


def weight_per_row(history):
    return np.ones(len(history.labels))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("weight-per-row", weight_per_row)
