"""Surrogates of a panel: markets as volatile as the user's own, in which nothing is to be found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quorate import statistics
from quorate.bars.panel import FIELDS, Bars
from quorate.errors import DataError
from quorate.statistics import Floats
from quorate.statistics._resampling import positions

WEEK = np.timedelta64(7, "D")
LEAST = 20  # bars of a symbol that returns are drawn from


def block_of(bars: Bars) -> float:
    """Return the mean block in bars: as long as volatility keeps together, at most a twentieth of the bars.

    It is that of the absolute returns (Politis and White 2004), averaged over the symbols.
    """
    change = np.abs(np.log(bars.close[1:] / bars.close[:-1]))
    known = np.isfinite(change)
    mean = np.where(known, change, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return min(statistics.block_length(mean), max(len(bars) / 20, 1.0))


def surrogate(bars: Bars, known: int, total: int, block: float, seed: int) -> Bars:
    """Return a panel made of whole bars drawn from the first ones, without their drift.

    The stationary bootstrap of Politis and Romano (1994) draws the bars, one order for all symbols, so that they stay
    related and volatility stays in clusters. Gap and body are scaled so that each earns nothing on average. Where a
    symbol has no bar stays as it is; where it had none on the drawn day, a day of its own is taken. Nothing is read of
    the prices from bar `known` on. What is beside the bars, covariates, categories, factors and shorter bars, is left
    out.

    Parameters
    ----------
    bars : Bars
        With all their stamps.
    known : int
        Bars from which is drawn: those before the holdout.
    total : int
        Bars of the surrogate; beyond those that there are, stamps go on as they did last.
    block : float
        Mean block, in bars.

    Raises
    ------
    DataError
        If no symbol has enough bars before the holdout.
    """
    enough = bars.present[:known].sum(axis=0) >= LEAST
    if not enough.any():
        raise DataError(f"no symbol has {LEAST} bars before the holdout, of which surrogates could be made")
    columns = np.flatnonzero(enough)
    draws = -(-total // known)
    order = np.concatenate([row for some in positions(known, block, draws, seed) for row in some])[:total] % known
    times, sessions = _stamps(bars, total)
    present = bars.present[:, columns]
    if total > len(bars):
        present = np.vstack([present, np.broadcast_to(present[-1], (total - len(bars), len(columns)))])
    fields = {name: np.full((total, len(columns)), np.nan, order="F") for name in FIELDS}
    for j, column in enumerate(columns):
        rows, at = np.flatnonzero(bars.present[:known, column]), np.flatnonzero(present[:total, j])
        own = [getattr(bars, name)[rows, column] for name in FIELDS]
        for name, values in zip(FIELDS, _redrawn(own, _picked(rows, order[at])), strict=True):
            fields[name][at, j] = values
    for array in fields.values():
        array.flags.writeable = False
    made: dict[str, Any] = fields
    symbols = tuple(bars.symbols[k] for k in columns)
    beside: dict[str, Any] = {"fills": None, "finer": None, "covariates": {}, "categories": {}, "read": ()}
    beside |= {"benchmark": None, "factors": None}
    return replace(bars, times=times, sessions=sessions, symbols=symbols, **made, **beside)


def _picked(rows: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which of a symbol's own bars are drawn; its first has no close before it and is never one."""
    place = np.searchsorted(rows, order)
    there = (place > 0) & (rows[np.minimum(place, len(rows) - 1)] == order)
    return np.where(there, place, 1 + order % (len(rows) - 1))


def _redrawn(own: list[Floats], pick: NDArray[np.int64]) -> tuple[Floats, ...]:
    open, high, low, close, volume = own
    gap, body = np.ones_like(close), close / open
    gap[1:] = open[1:] / close[:-1]
    gap, body = (gap / gap[1:].mean())[pick], (body / body[1:].mean())[pick]
    top, bottom = np.maximum(open, close), np.minimum(open, close)
    new_close = close[0] * np.cumprod(gap * body)
    new_open = np.concatenate((close[:1], new_close[:-1])) * gap
    new_close = new_open * body
    new_high = np.maximum(new_open, new_close) * (high / top)[pick]
    new_low = np.minimum(new_open, new_close) * (low / bottom)[pick]
    return new_open, new_high, new_low, new_close, volume[pick]


def _stamps(bars: Bars, total: int) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """Return stamps and sessions of so many bars: those that come are the last ones again, whole weeks later."""
    times, sessions = bars.times[:total], bars.sessions[:total]
    while len(times) < total:
        more = min(total - len(times), len(bars))
        weeks = int((times[-1] - bars.times[-more]) // WEEK) + 1
        times = np.concatenate((times, bars.times[-more:] + weeks * WEEK))
        sessions = np.concatenate((sessions, bars.sessions[-more:] + np.timedelta64(7 * weeks, "D")))
    return times, sessions
