"""Which bars share history, whatever their symbols are called and wherever they are cut."""

from __future__ import annotations

import hashlib

import numpy as np

from quorate.bars import Bars

DIGEST_BYTES = 8


def lineage_of(bars: Bars) -> frozenset[str]:
    """Return a digest of every whole quarter of every symbol's closes; of bars within a day, of every month.

    A quarter is whole where the symbol has a bar before and after it. Quarters rather than years, because one
    shared whole year is four shared quarters, but one year alone has only two whole ones and shares them with a longer
    history. A quarter in which the close never changes says nothing and is left out.

    Parameters
    ----------
    bars : Bars
        The panel.

    Returns
    -------
    frozenset of str
        16 hexadecimal digits each: of the sessions (int32 days since 1970) and closes (float64) of that
        span. Empty for bars that hold no whole one.
    """
    months = bars.sessions.astype("datetime64[M]").astype(np.int64)
    within_a_day = len(np.unique(bars.sessions)) < len(bars)
    period = months if within_a_day else months // 3
    days = bars.sessions.astype("datetime64[D]").astype(np.int32)
    present = bars.present
    found = set()
    for column in range(len(bars.symbols)):
        rows = np.flatnonzero(present[:, column])
        closes, dates = bars.close[rows, column], days[rows]
        edges = np.flatnonzero(np.diff(period[rows])) + 1
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            part = closes[start:stop]
            if (part != part[0]).any():
                text = dates[start:stop].tobytes() + part.tobytes()
                found.add(hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest())
    return frozenset(found)


def related(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two lineages have history in common."""
    return not one.isdisjoint(other)
