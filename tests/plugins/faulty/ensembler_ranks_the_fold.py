"""Caught by: ensembler rows-independent

It ranks each member's predictions among those of the fold, later ones included.
"""

from __future__ import annotations

import quorate


def ranks_the_fold(history):
    def combine(rows):
        ranks = rows.predictions.argsort(axis=0).argsort(axis=0).mean(axis=1)
        return (ranks + 0.5) / len(ranks) if history.binary else (ranks / len(ranks) - 0.5) * 0.01

    return quorate.Combiner(combine)


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("ranks-the-fold", ranks_the_fold)
