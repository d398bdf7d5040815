"""Which bars share history: whatever symbols are called, wherever bars are cut, however scaled, however long one is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quorate.bars.calendar import Calendar
from quorate.bars.panel import Bars
from quorate.bars.periods import last_days
from quorate.bars.resample import within_session
from quorate.statistics import Floats

DIGEST_BYTES = 8
# A fine grid tells calm markets apart; on a coarse one prices may be rounded much more before a span is another.
GRIDS = (1e-4, 1e-3)
# Spans with less to differ in would be equal by chance, or because nothing happened in them.
LEAST_BITS = 64.0
# Days of a block: eleven weeks, which share no divisor with the thirteen of a quarter. So some blocks are free of
# dividends that come each quarter, and tell that prices with and without them are of one history.
BLOCK = 77

AT_ONCE = 200_000  # closes that are looked at together

Positions = NDArray[np.int64]
Days = NDArray[np.int32]  # since 1970


class Closes(NamedTuple):
    """What a symbol closed at.

    Parameters
    ----------
    days : ndarray of int32, (n,)
        In days since 1970, ascending.
    prices : ndarray of float64, (n,)
        Logarithms.
    """

    days: Days
    prices: Floats

    def last_of(self, days: Days) -> Closes:
        """Return the last close of each of these days, (n,), that the closes are of."""
        last = np.flatnonzero(np.diff(days, append=np.iinfo(np.int32).max))
        return Closes(days[last], self.prices[last])


def lineage_of(bars: Bars) -> frozenset[str]:
    """Return digests of the returns of every symbol in every whole quarter, of bars and of longer ones made of them.

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

    Bars within a day are made into days: by the last close of each session, by the last one within the market's hours,
    and by the last one of each date in UTC. Days are made into weeks and months, dated as longer bars are
    (`quorate.bars.periods.last_days`); so are weekly and monthly bars, whatever day of theirs they are stamped with.
    Days and weeks are known by blocks of eleven weeks, too, on the fine grid: a shorter history holds
    a whole one, and some of them are without the dividend of a quarter, for which prices may or may not be adjusted.

    Returns
    -------
    frozenset of str
        16 hexadecimal digits each: of the sessions (int32 days since 1970) and the returns (int32 multiples of the
        grid) of a span of a symbol; and those of what the bars were made of (`Bars.made_of`). Empty for bars that hold
        no whole one.

    Notes
    -----
    Independent histories are hardly ever equal in a span: the 64 bits are of the distances without their signs.
    Funds that track one index to a few basis points may be related, as they are one history but for that.
    """
    found: set[str] = set(bars.made_of)
    clock, days = bars.calendar, _numbers(bars.sessions)
    if within := bars.frequency.endswith("min"):
        regular = np.zeros(len(bars), dtype=bool)
        regular[within_session(bars)] = True
        dates = _numbers(bars.times - np.timedelta64(1, "us"))  # a close at midnight is of the day before
    for column in range(len(bars.symbols)):
        rows = np.flatnonzero(np.isfinite(bars.close[:, column]))
        own = Closes(days[rows], np.log(bars.close[rows, column]))
        found |= _digests(own, _spans(own.days, bars.frequency))
        if not within:
            found |= _known_by(own, bars.frequency, clock)
            continue
        found |= _known_by(own.last_of(own.days), "1d", clock)
        found |= _known_by(Closes(dates[rows], own.prices).last_of(dates[rows]), "1d", clock)
        if not (there := regular[rows]).all():
            some = Closes(own.days[there], own.prices[there])
            found |= _known_by(some.last_of(some.days), "1d", clock)
    return frozenset(found)


def related(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two lineages have history in common."""
    return not one.isdisjoint(other)


def _known_by(closes: Closes, frequency: str, clock: Calendar) -> set[str]:
    """Return the digests of daily or longer bars, and of what days make: months are not made of weeks."""
    found: set[str] = set()
    for longer in ("1d", "1w", "1mo") if frequency == "1d" else (frequency,):
        ends = last_days(clock, closes.days.astype("datetime64[D]"), longer)
        made = closes.last_of(_numbers(ends))
        found |= _digests(made, _spans(made.days, longer))
        if longer != "1mo":
            found |= _digests(made, made.days.astype(np.int64) // BLOCK, GRIDS[:1])
    return found


def _digests(closes: Closes, spans: Positions, grids: Iterable[float] = GRIDS) -> set[str]:
    """Return the digests of the spans between the first and the last; each close has the number of the one it is in."""
    found: set[str] = set()
    edges = np.flatnonzero(np.diff(spans)) + 1
    while len(edges) > 1:
        several = max(int(np.searchsorted(edges, edges[0] + AT_ONCE)), 2)
        some, edges = edges[:several], edges[several - 1 :]
        rows = slice(some[0], some[-1])
        found |= _of_spans(closes.days[rows], closes.prices[rows], some - some[0], grids)
    return found


def _of_spans(days: Days, prices: Floats, edges: Positions, grids: Iterable[float]) -> set[str]:
    """Return the digests of the spans between edges, of which the first is 0 and the last the number of closes."""
    returns = np.delete(np.diff(prices), edges[1:-1] - 1)  # without those from one span to the next
    firsts = edges - np.arange(len(edges))
    found = set()
    for grid in grids:
        steps = np.rint(returns / grid).astype(np.int32)
        for k in np.flatnonzero(_bits(steps, firsts) >= LEAST_BITS).tolist():
            text = days[edges[k] : edges[k + 1]].tobytes() + steps[firsts[k] : firsts[k + 1]].tobytes()
            found.add(hashlib.blake2b(text, digest_size=DIGEST_BYTES).hexdigest())
    return found


def _bits(steps: NDArray[np.int32], firsts: Positions) -> Floats:
    """Return how many bits write the distances of steps from their median, for each part between two of `firsts`."""
    counts = np.diff(firsts)
    if not len(steps):
        return np.zeros(len(counts))
    part = np.repeat(np.arange(len(counts)), counts)
    ranked = np.sort((part << 32) + steps + 2**31)  # within its part
    middle = (firsts[:-1] + place for place in (np.maximum(counts - 1, 0) // 2, counts // 2))
    lower, upper = ((ranked[np.minimum(place, len(steps) - 1)] & (2**32 - 1)) - 2**31 for place in middle)
    distances = np.abs(steps - ((lower + upper) / 2)[part])
    return np.bincount(part, weights=np.log2(1.0 + distances), minlength=len(counts)).astype(np.float64)


def _spans(days: Days, frequency: str) -> Positions:
    """Return the number of the span that each day is in; a span holds enough bars to be known by them."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    if frequency.endswith("min"):
        return months
    return months // (3 if frequency == "1d" else 12)


def _numbers(days: NDArray[np.datetime64]) -> Days:
    return days.astype("datetime64[D]").astype(np.int32)
