"""Caught by: ensembler computes

It scales by a volatility that is not known in warm-up.
"""

from __future__ import annotations

import quorate


def combiner_no_volatility(history):
    return quorate.Combiner(lambda rows: rows.predictions.mean(axis=1) * (1 - rows.volatility))


@quorate.hookimpl
def quorate_ensemblers():
    yield quorate.EnsemblerSpec("combiner-no-volatility", combiner_no_volatility)
