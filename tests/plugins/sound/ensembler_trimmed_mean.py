"""A Combiner without weights: the mean without the highest and the lowest member, where there are enough."""

from __future__ import annotations

import numpy as np

import quorate


def trimmed_mean(history):
    cut = 1 if len(history.members) > 2 else 0

    def combine(rows):
        ordered = np.sort(rows.predictions, axis=1)
        return ordered[:, cut : ordered.shape[1] - cut].mean(axis=1)

    return quorate.Combiner(combine)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("trimmed-mean", trimmed_mean)
