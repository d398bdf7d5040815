"""Strategies that choose among symbols at each bar, and divide the capital among those that they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

import quorate
from quorate_strategies import _ranked
from quorate_strategies._ranked import Flags, Floats, Weighting, Whole, by_group, shared

Share = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Buffer = Annotated[int, Field(ge=0)]
Window = Annotated[int, Field(ge=2)]


def top_k(
    score: Floats,
    threshold: float,
    close: Floats,
    gone: int,
    member: Flags,
    k: Positive = 10.0,
    buffer: Buffer = 0,
    weights: Weighting = "equal",
    gross: Share = 1.0,
    window: Window = 60,
) -> Floats:
    """Return shares of the capital for the `k` symbols with the highest scores; the other weights are 0.

    Of fewer symbols than `k` all are held. What of the best is not above the threshold is not held, and its share
    stays in cash. Of equal scores those stay that are held, else the first by name; where all scores of a bar are
    equal nothing is ranked, and nothing is held, unless no more than `k` symbols have one. A symbol without a score
    is sold. One that misses the bar itself cannot be: it keeps place and weight until its next bar, or its end.

    Parameters
    ----------
    score, close : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no prediction, and no bar.
    threshold : float
        The score up to which a symbol is not held.
    gone : int
        Bars without a price after which a symbol is taken for ended.
    member : ndarray of bool, (n_bars, n_symbols)
        Where a symbol belongs to the universe: one that left it is held no more, whether it has a bar or not.
    k : float
        How many symbols; below 1 a share of those with a score.
    buffer : int, ranks
        A symbol that is held leaves only once `k` + `buffer` others have higher scores: less is traded.
    weights : str
        How the capital is divided: equally; by how far each score is above the median of the bar; or by one over the
        volatility, which needs a full window.
    gross : float, share
        Of the capital that `k` symbols are worth together.
    window : int, bars
        Returns that a volatility is taken over.
    """
    _check(k)
    one = np.zeros(score.shape, dtype=np.int64)
    absent, live = _ranked.absent_of(close, gone) & member, np.isfinite(score) & np.isfinite(close)
    score = np.where(live, score, np.nan)
    ranked = _ranked.ranks(score, one)
    size = _ranked.sizes(weights, score - _ranked.medians(score, ranked.place, one, 1), close, window)
    n = np.broadcast_to((live | absent).sum(axis=1, keepdims=True), score.shape)
    count = np.minimum(_ranked.number_of(k, n), n)
    tells = (ranked.better > 0).any(axis=1, keepdims=True, where=live) | (n <= count)
    may = live & (score > threshold) & np.isfinite(size) & tells
    held, kept = _ranked.chosen(ranked, may, one, count, count + buffer, absent)
    most = np.maximum(count.max(axis=1, initial=1), held.sum(axis=1))
    total = gross * held.sum(axis=1) / most
    found = shared(held & ~kept, size, total[:, None], one, 1)
    for t in np.flatnonzero(kept.any(axis=1)):
        stays, now = np.where(kept[t], found[t - 1], 0.0), slice(t, t + 1)
        free = np.full((1, 1), max(total[t] - stays.sum(), 0.0))
        found[t] = stays + shared(held[now] & ~kept[now], size[now], free, one[now], 1)[0]
    return found


def dollar_neutral(
    score: Floats,
    threshold: float,
    close: Floats,
    gone: int,
    member: Flags,
    categories: Mapping[str, Any],
    k: Positive = 0.2,
    buffer: Buffer = 0,
    weights: Weighting = "equal",
    gross: Share = 1.0,
    window: Window = 60,
    group: str = "",
) -> Floats:
    """Return shares of the capital, above 0 for the `k` highest scores and below 0 for the `k` lowest; their sum is 0.

    The sizes of the weights add up to `gross`, half of it on each side. Of fewer symbols than twice `k` one half is
    bought and the other sold short. With `group` each group is a market of its own: `k` symbols of each are on either
    side, and its weights add up to 0; a group counts by the symbols that are held in it. Where a side would be empty,
    as where all scores are equal, its group is not held. Of equal scores those stay that are held, else the first by
    name. A symbol without a score is closed. One that misses the bar itself cannot be: it keeps place and weight
    until its next bar, or its end, and the others make up for it.

    Parameters
    ----------
    score, close : ndarray of float64, (n_bars, n_symbols)
        NaN where there is no prediction, and no bar.
    threshold : float
        How far a score must be from the median of the bar, or of its group, to be traded.
    gone : int
        Bars without a price after which a symbol is taken for ended.
    member : ndarray of bool, (n_bars, n_symbols)
        Where a symbol belongs to the universe: one that left it is held no more, whether it has a bar or not.
    categories : mapping of str to ndarray of int32, (n_bars, n_symbols)
        Codes of the bars' categories, -1 where a bar has none.
    k : float
        How many symbols on each side; below 1 a share of those with a score.
    buffer : int, ranks
        A symbol that is held leaves only once `k` + `buffer` others are better on its side, half of all at most.
    weights : str
        How a side is divided: equally; by how far each score is from the median; or by one over the volatility, which
        needs a full window.
    gross : float, share
        Of the capital, both sides together.
    window : int, bars
        Returns that a volatility is taken over.
    group : str
        A category of the bars, such as a sector; symbols without any are not held. Empty: all are one group.
    """
    _check(k)
    own, known = _groups(group, categories, score)
    groups = int(own.max(initial=0)) + 1
    absent, live = _ranked.absent_of(close, gone) & member, np.isfinite(score) & np.isfinite(close) & known
    score = np.where(live, score, np.nan)
    up, down = _ranked.ranks(score, own), _ranked.ranks(-score, own)
    distance = score - _ranked.medians(score, up.place, own, groups)
    n = np.take_along_axis(by_group(live | (absent & known), own, groups), own, axis=1).astype(np.int64)
    count = np.minimum(_ranked.number_of(k, n), n // 2)
    most = np.minimum(count + buffer, n // 2)
    size = _ranked.sizes(weights, np.abs(distance), close, window)
    sides = [
        _ranked.chosen(ranked, live & (sign * distance > threshold) & np.isfinite(size), own, count, most, absent)
        for ranked, sign in ((up, 1.0), (down, -1.0))
    ]
    (longs, kept_long), (shorts, kept_short) = sides
    found = _balanced(longs, shorts, size, own, gross, groups)
    for t in np.flatnonzero((kept_long | kept_short).any(axis=1)):
        stays = np.where(kept_long[t] | kept_short[t], found[t - 1], 0.0)
        found[t] = _beside(stays, longs[t] & ~kept_long[t], shorts[t] & ~kept_short[t], size[t], own[t], gross, groups)
    return found


def _balanced(longs: Flags, shorts: Flags, size: Floats, own: Whole, gross: float, groups: int) -> Floats:
    """Return weights whose two sides are equal in each group, and that are worth `gross` together."""
    names = [by_group(side, own, groups) for side in (longs, shorts)]
    counts = np.where((names[0] > 0) & (names[1] > 0), names[0] + names[1], 0.0)
    half = gross / 2 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return shared(longs, size, half, own, groups) - shared(shorts, size, half, own, groups)


def _beside(stays: Floats, longs: Flags, shorts: Flags, size: Floats, own: Whole, gross: float, groups: int) -> Floats:
    """Return the weights of one bar, where some stay: those of the others are such that each group is balanced.

    A group whose sides can be made equal no more is closed: what of it misses the bar is sold at its next one.
    """
    bought, sold = (np.bincount(own, np.maximum(sign * stays, 0.0), minlength=groups) for sign in (1, -1))
    names = np.bincount(own, (stays != 0) | longs | shorts, minlength=groups)
    free = [np.bincount(own, side, minlength=groups) > 0 for side in (longs, shorts)]
    least = np.maximum(bought, sold)
    most = np.minimum(np.where(free[0], np.inf, bought), np.where(free[1], np.inf, sold))
    whole = (names > 0) & (most > 0) & (least <= most + 1e-12)
    half, open_ = np.where(whole & np.isfinite(most), most, 0.0), whole & ~np.isfinite(most)
    while open_.any():
        rest = max(gross / 2 - half[~open_].sum(), 0.0)
        half[open_] = rest * names[open_] / names[open_].sum()
        low = open_ & (half < least)
        half[low] = least[low]
        open_ = open_ & ~low
        if not low.any():
            break
    totals = (np.maximum(half - done, 0.0)[None, :] * whole for done in (bought, sold))
    parts = (
        shared(side[None, :], size[None, :], total, own[None, :], groups)[0]
        for side, total in zip((longs, shorts), totals, strict=True)
    )
    more, less = parts
    found: Floats = np.where(whole[own], stays, 0.0) + more - less
    return found


def _groups(name: str, categories: Mapping[str, Any], score: Floats) -> tuple[Whole, Flags]:
    """Return each symbol's group at each bar, and whether it has one; a symbol that misses a bar has its last one."""
    if not name:
        return np.zeros(score.shape, dtype=np.int64), np.ones(score.shape, dtype=bool)
    if name not in categories:
        has = f"they have {', '.join(categories)}" if categories else "they have none"
        raise quorate.RecipeError(
            f"strategy.params.group: the bars have no category {name!r}, {has}: a column of a file is read as one with "
            f"data.categories = [{name!r}]"
        )
    codes = np.asarray(categories[name])
    rows = np.maximum.accumulate(np.where(codes >= 0, np.arange(len(codes))[:, None], 0), axis=0)
    last = np.take_along_axis(codes, rows, axis=0).astype(np.int64)
    return np.maximum(last, 0), last >= 0


def _check(k: float) -> None:
    if k > 1 and k != int(k):
        raise quorate.RecipeError(f"strategy.params.k must be a whole number, or a share below 1; it was {k:g}")
