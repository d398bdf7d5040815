"""Caught by: ensembler input-unmodified

It centres the predictions of the history itself.
"""

from __future__ import annotations

import numpy as np

import quorate


def centres_in_place(history):
    predictions = history.predictions
    predictions -= predictions.mean(axis=0)
    return np.ones(len(history.members))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("centres-in-place", centres_in_place)
