"""Which bars share history, whatever their symbols are called, wherever they are cut and however they are scaled."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from quorate.bars.panel import Bars

DIGEST_BYTES = 8
# A fine grid tells calm markets apart; on a coarse one prices may be rounded much more before a span is another.
GRIDS = (1e-4, 1e-3)
# Spans with less to differ in would be equal by chance, or because nothing happened in them.
LEAST_BITS = 64.0


def lineage_of(bars: Bars) -> frozenset[str]:
    """Return digests of the returns of every symbol in every whole quarter.

    Returns rather than prices, rounded to one and to ten basis points: so neither the currency unit, an
    adjustment for a later split or dividend, nor the digits that a vendor stores make other data of
    the same history. They are logarithmic, as ratios of prices in whole cents often lie just
    between two multiples of a basis point, and their logarithms never do; and they lie within the
    quarter, so that a bar missing in one leaves the others alone.

    A quarter is whole where the symbol has a bar before and after it. Of bars within a day it is a month; of weekly and
    monthly ones a year. Quarters rather than years, because one shared whole year is four shared quarters, but
    one year alone has only two whole ones and shares them with a longer history. A quarter says nothing, if the
    price hardly moves in it or keeps one pace: if the distances of its returns from their median could be
    written in less than 64 bits.

    Returns
    -------
    frozenset of str
        16 hexadecimal digits each, at most two for a symbol's quarter: of the sessions (int32 days since
        1970) and the returns (int32 multiples of the grid) of that span. Empty for bars that hold no whole one.
    """
    period = _periods(bars)
    days = bars.sessions.astype("datetime64[D]").astype(np.int32)
    present = bars.present
    found = set()
    for column in range(len(bars.symbols)):
        rows = np.flatnonzero(present[:, column])
        prices, dates = np.log(bars.close[rows, column]), days[rows]
        edges = np.flatnonzero(np.diff(period[rows])) + 1
        for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            returns = np.diff(prices[start:stop])
            for grid in GRIDS:
                steps = np.rint(returns / grid).astype(np.int32)
                if _bits(steps) >= LEAST_BITS:
                    text = dates[start:stop].tobytes() + steps.tobytes()
                    found.add(hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest())
    return frozenset(found)


def _periods(bars: Bars) -> NDArray[np.int64]:
    """Return the number of the span that each bar is in; a span holds enough bars to be known by them."""
    months = bars.sessions.astype("datetime64[M]").astype(np.int64)
    if bars.frequency.endswith("min"):
        return months
    return months // (3 if bars.frequency == "1d" else 12)


def _bits(steps: NDArray[np.int32]) -> float:
    if not len(steps):
        return 0.0
    return float(np.log2(1.0 + np.abs(steps - np.median(steps))).sum())


def related(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two lineages have history in common."""
    return not one.isdisjoint(other)
