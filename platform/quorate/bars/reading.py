"""Rows that no panel can hold: refused when bars are made of them, or set apart, where that is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FIELDS = ("open", "high", "low", "close", "volume")
PRICES = FIELDS[:4]
SMALLEST, LARGEST = 1e-100, 1e100  # of prices: squares and ratios of those are still numbers
ROUNDING = 1e-6  # of a price: less than that is no trade, but digits that were cut off

Mask = NDArray[np.bool_]


@dataclass
class Reading:
    """What is set apart while bars are read.

    Parameters
    ----------
    rules : collection of str
        By which.
    frames : list of DataFrame
        Symbol, time and fields of each row, the rule that it breaks, and what it was.
    """

    rules: Collection[str]
    frames: list[pd.DataFrame] = field(default_factory=list)


_reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


@contextmanager
def setting_apart(rules: Collection[str]) -> Iterator[Reading]:
    """Have rows that break these rules set apart, in place of an error, whatever source makes bars of them."""
    reading = Reading(rules)
    token = _reading.set(reading)
    try:
        yield reading
    finally:
        _reading.reset(token)


def holdable(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a long frame without the rows that are to be set apart."""
    reading = _reading.get()
    if reading is None or not reading.rules:
        return frame
    names = [name for name in FIELDS if name in frame]
    if any(frame[name].dtype.kind not in "fiu" for name in names):
        return frame  # that is refused as a whole
    for rule, of in _WRONG.items():
        if rule not in reading.rules or not len(frame):
            continue
        bad, reasons = of(frame)
        if bad.any():
            apart = frame.loc[bad, ["symbol", "time", *names]]
            reading.frames.append(apart.assign(rule=rule, reason=reasons).reset_index(drop=True))
            frame = frame[~bad]
    return frame


def _bad_prices(frame: pd.DataFrame) -> tuple[Mask, list[str]]:
    prices = frame[[*PRICES]].to_numpy(dtype=np.float64)
    wrong = ~((prices >= SMALLEST) & (prices <= LARGEST))
    bad: Mask = np.asarray(wrong.any(axis=1))
    first = wrong[bad].argmax(axis=1)
    values = prices[bad][np.arange(len(first)), first]
    return bad, [
        f"{PRICES[column]} {'is missing' if np.isnan(value) else f'of {value:g}'}"
        for column, value in zip(first, values, strict=True)
    ]


def _ohlc_order(frame: pd.DataFrame) -> tuple[Mask, list[str]]:
    open_, high, low, close = (frame[name].to_numpy(dtype=np.float64) for name in PRICES)
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    above, below = (top - high) > ROUNDING * top, (low - bottom) > ROUNDING * bottom
    bad: Mask = np.asarray(above | below)
    return bad, [
        (f"{'open' if o >= c else 'close'} {max(o, c):g} above the high {h:g}")
        if up
        else f"{'open' if o <= c else 'close'} {min(o, c):g} below the low {lo:g}"
        for o, h, lo, c, up in zip(open_[bad], high[bad], low[bad], close[bad], above[bad], strict=True)
    ]


def _bad_volume(frame: pd.DataFrame) -> tuple[Mask, list[str]]:
    if "volume" not in frame:
        return np.zeros(len(frame), dtype=bool), []
    volume = frame["volume"].to_numpy(dtype=np.float64)
    bad: Mask = (volume < 0) | np.isinf(volume)
    return bad, [f"volume of {value:g}" for value in volume[bad]]


def _duplicates(frame: pd.DataFrame) -> tuple[Mask, list[str]]:
    """Return bars that stand twice: of equal ones all but the first, of others all, as nobody knows which is right."""
    key: list[Any] = ["symbol", "time"]
    bad: Mask = frame.duplicated(key, keep=False).to_numpy(copy=True)
    if not bad.any():
        return bad, []
    several = frame[bad]
    fields = [name for name in FIELDS if name in frame]
    differing = several.groupby(key, sort=False)[fields].transform("nunique", dropna=False).gt(1).any(axis=1)
    first = ~several.duplicated(key)
    kept = (first & ~differing).to_numpy()
    reasons = ["another bar at this time is otherwise" if other else "the same bar again" for other in differing]
    bad[np.flatnonzero(bad)[kept]] = False
    return bad, [told for told, keep in zip(reasons, kept, strict=True) if not keep]


_WRONG = {"bad-prices": _bad_prices, "ohlc-order": _ohlc_order, "bad-volume": _bad_volume, "duplicates": _duplicates}
