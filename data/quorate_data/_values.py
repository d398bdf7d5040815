"""Prices and volume of a file: adjusted, or left as they are and why, and what is no bar."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._columns import PRICES
from quorate_data._tables import Table

RAW = 0.15  # how far a step may be from the ratio of a split, for prices to be raw
LITTLE = 0.005  # of a price, that rounding may take from an adjusted one
ROUNDING = 1e-6  # what `Bars.from_frame` widens


def finish(
    table: Table, frame: pd.DataFrame, adjusted: bool, invalid: Literal["error", "drop"], sort: bool
) -> pd.DataFrame:
    """Return a file's bars adjusted, without invalid ones, in order, as is wanted; warns of what is not used."""
    if not adjusted and (told := _unused(table, frame)):
        warnings.warn(told, quorate.DataWarning, stacklevel=2)
    if adjusted:
        factor = frame.pop("adj_close") / frame["close"]
        if "adj_volume" in frame:
            frame["volume"] = frame.pop("adj_volume")
        elif "volume" in frame:
            frame["volume"] /= factor  # so that what was traded in money stays
        # The same factor for all four keeps their order; the close may differ in its last bit.
        frame[list(PRICES)] = frame[list(PRICES)].mul(factor, axis=0)
    if invalid == "drop":
        bad = _invalid(frame)
        if bad.any():
            first = frame[bad].iloc[0]
            warnings.warn(
                f"{table.path}: left out {int(bad.sum())} of {len(bad)} bars with a missing or impossible value, "
                f"the first {first['symbol']} at {first['time']} ({table.unit} {first.name})",
                quorate.DataWarning,
                stacklevel=2,
            )
            frame = frame[~bad]
    return frame.sort_values(["symbol", "time"], kind="stable") if sort else frame


def _unused(table: Table, frame: pd.DataFrame) -> str:
    """Return what the file tells of adjustment or splits, where its prices do not know of it."""
    close = frame["close"]
    beside = {name: values.reindex(frame.index) for name, values in table.beside.items()}
    if (split := beside.get("split")) is not None:
        ratio = split.where((split > 0) & (split != 1))
        step = close.groupby(frame["symbol"], sort=False).shift() / close
        raw = (ratio.notna() & ((step / ratio - 1).abs() < RAW)).to_numpy()
        if raw.any():
            at = int(raw.argmax())
            return (
                f"{table.at(frame.index[at])}: the file tells of a split {ratio.iloc[at]:g}:1 that its prices are not "
                "adjusted for; if it has adjusted closes, too, set data.adjusted = true"
            )
    adjusted = beside.get("adj_close")
    if adjusted is not None and adjusted.notna().any():
        apart = (adjusted / close - 1).abs()
        if apart.max() > LITTLE:
            return (
                f"{table.path}: the adjusted closes of the file differ from the closes, by up to {apart.max():.0%}, "
                "and are not used: set data.adjusted = true to trade at adjusted prices"
            )
    return ""


def _invalid(frame: pd.DataFrame) -> NDArray[np.bool_]:
    prices = frame[list(PRICES)].to_numpy()
    bad: NDArray[np.bool_] = ~(np.isfinite(prices) & (prices > 0)).all(axis=1)
    for name in ("open", "close"):
        inside = frame[name].between(frame["low"] * (1 - ROUNDING), frame["high"] * (1 + ROUNDING))
        bad |= ~inside.to_numpy(dtype=bool)
    if "volume" in frame:
        volume = frame["volume"].to_numpy()
        bad |= (volume < 0) | np.isinf(volume)
    return bad
