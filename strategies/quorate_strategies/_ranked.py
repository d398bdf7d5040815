"""Choosing among symbols by rank, with a memory: who is held, who enters, and what a missed bar leaves."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]
Weighting = Literal["equal", "score", "inverse-volatility"]


class Ranks(NamedTuple):
    """Where each score stands within its group at each bar, the highest first; each (n_bars, n_symbols).

    Parameters
    ----------
    place : ndarray of int64
        Rank, from 0 on; of equal scores the first column is before. What has no score comes last.
    better : ndarray of int64
        How many of the group are strictly higher.
    """

    place: Whole
    better: Whole


def ranks(score: Floats, group: Whole) -> Ranks:
    """Rank scores, NaN where there is none, within their groups at each bar."""
    falling = np.where(np.isfinite(score), -score, np.inf)
    order = np.lexsort((falling, group), axis=1)
    values, groups = (np.take_along_axis(one, order, axis=1) for one in (falling, group))
    at = np.broadcast_to(np.arange(score.shape[1]), score.shape)
    begins = np.ones(score.shape, dtype=bool)
    begins[:, 1:] = groups[:, 1:] != groups[:, :-1]
    other = begins.copy()
    other[:, 1:] |= values[:, 1:] != values[:, :-1]
    start, alike = (np.maximum.accumulate(np.where(one, at, 0), axis=1) for one in (begins, other))
    place, better = np.empty(score.shape, dtype=np.int64), np.empty(score.shape, dtype=np.int64)
    np.put_along_axis(place, order, at - start, axis=1)
    np.put_along_axis(better, order, alike - start, axis=1)
    return Ranks(place, better)


def by_group(values: NDArray[np.generic], group: Whole, groups: int) -> Floats:
    """Return the sum of values, or the number of flags, in each group at each bar, (n_bars, n_groups)."""
    flat = (np.arange(len(group))[:, None] * groups + group).ravel()
    sums = np.bincount(flat, values.ravel().astype(np.float64), minlength=len(group) * groups).astype(np.float64)
    return sums.reshape(len(group), groups)


def medians(score: Floats, place: Whole, group: Whole, groups: int) -> Floats:
    """Return the median score of the group of each symbol, NaN where none has any, (n_bars, n_symbols)."""
    known = np.isfinite(score)
    n = np.take_along_axis(by_group(known, group, groups), group, axis=1)
    middle = [by_group(np.where(known & (place == half), score, 0.0), group, groups) for half in ((n - 1) // 2, n // 2)]
    found: Floats = np.take_along_axis(middle[0] + middle[1], group, axis=1) / 2
    return np.where(n > 0, found, np.nan)


def chosen(ranked: Ranks, may: Flags, group: Whole, count: Whole, most: Whole, absent: Flags) -> tuple[Flags, Flags]:
    """Return who is held at each bar, and who of them because it misses the bar, (n_bars, n_symbols) each.

    Who is held stays while fewer than `most` of its group are better, and the best of the others fill up to `count`.
    Who misses a bar keeps its place.

    Parameters
    ----------
    may : ndarray of bool, (n_bars, n_symbols)
        Who may be held.
    group, count, most : ndarray of int64, (n_bars, n_symbols)
        The group of each symbol, and the numbers of its group.
    absent : ndarray of bool, (n_bars, n_symbols)
        Where a symbol misses a bar, and has not ended.
    """
    n_bars, n = may.shape
    held, kept = np.zeros(may.shape, dtype=bool), np.zeros(may.shape, dtype=bool)
    groups = int(group.max(initial=0)) + 1
    near, behind = may & (ranked.better < most), n + 1
    # Candidates by group, then by place: who stays comes before who would enter, and who may not be held after all.
    key = np.where(may, 2 * behind * group + behind + ranked.place, 2 * behind * groups)
    begins = np.pad(np.cumsum(by_group(may, group, groups), axis=1), ((0, 0), (1, 0))).astype(np.int64)
    missing = absent.sum(axis=1) > 0
    before, place = np.zeros(n, dtype=bool), np.arange(n)
    for t in range(n_bars):
        order = (key[t] - behind * (before & near[t])).argsort(kind="stable")[: begins[t, -1]]
        own, slots = group[t, order], count[t, order]
        waiting = before & absent[t]
        if missing[t]:
            slots = slots - np.bincount(group[t, waiting], minlength=groups)[own]
        before = waiting.copy()
        before[order[place[: len(order)] - begins[t, own] < slots]] = True
        held[t], kept[t] = before, waiting
    return held, kept


def absent_of(close: Floats, gone: int) -> Flags:
    """Return where a symbol misses a bar, and has had one within the last `gone` bars, (n_bars, n_symbols)."""
    rows, present = np.arange(len(close))[:, None], np.isfinite(close)
    last = np.maximum.accumulate(np.where(present, rows, -gone), axis=0)
    missed: Flags = ~present & (rows - last < gone)
    return missed


def sizes(weights: Weighting, distance: Floats, close: Floats, window: int) -> Floats:
    """Return how large each symbol is beside others that are held, NaN where that is not known, (n_bars, n_symbols).

    Parameters
    ----------
    distance : ndarray of float64, (n_bars, n_symbols)
        Of the score from what it is measured by, not negative where a symbol may be held.
    window : int
        Returns that a volatility is taken over.
    """
    if weights == "equal":
        return np.ones(distance.shape)
    if weights == "score":
        return np.maximum(distance, 0.0)
    import pandas as pd

    found = np.full(close.shape, np.nan)
    for j, prices in enumerate(close.T):
        present = np.flatnonzero(np.isfinite(prices))  # a bar that is missed makes no window shorter
        moves = pd.Series(prices[present]).pct_change(fill_method=None)
        spread = moves.rolling(window, min_periods=window).std().to_numpy()
        found[present, j] = np.divide(1.0, spread, out=np.full(len(spread), np.nan), where=spread > 0)
    return found


def number_of(k: float, n: Whole) -> Whole:
    """Return how many of n symbols `k` is: itself, or below 1 that share of them, one at least."""
    return np.full(n.shape, int(k)) if k >= 1 else np.maximum(np.rint(k * n), 1).astype(np.int64)


def shared(held: Flags, size: Floats, total: Floats, group: Whole, groups: int) -> Floats:
    """Divide totals, (n_bars, n_groups), among those of each group that are held, by size; equally where all are 0."""
    own = np.where(held, size, 0.0)
    sums = by_group(own, group, groups)
    own = np.where(held & np.take_along_axis(sums <= 0, group, axis=1), 1.0, own)
    sums = by_group(own, group, groups)
    each = np.divide(total, sums, out=np.zeros(sums.shape), where=sums > 0)
    parts: Floats = own * np.take_along_axis(each, group, axis=1)
    return parts
