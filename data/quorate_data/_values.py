"""Prices and volume of a file: adjusted, or left as they are and why, and what is no bar."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Literal

import pandas as pd

import quorate
from quorate_data._names import PRICES
from quorate_data._remedies import check_thousands, invalid_bars
from quorate_data._tables import Table

RAW = 0.15  # how far a step may be from the ratio of a split, for prices to be raw
LITTLE = 0.005  # of a price, that rounding may take from an adjusted one


def finish(
    table: Table,
    frame: pd.DataFrame,
    beside: Mapping[str, pd.Series],
    adjusted: bool,
    invalid: Literal["error", "drop"],
    sort: bool,
) -> pd.DataFrame:
    """Return a file's bars adjusted, without invalid ones, in order, as is wanted; warns of what is not used."""
    if (ticks := beside.get("volume")) is not None and not (frame["volume"] > 0).any():
        frame["volume"] = ticks  # where no volume is known, how often the price changed stands for it
    if not adjusted and (told := _unused(table, frame, beside)):
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
        bad = invalid_bars(frame)
        if bad.any():
            check_thousands(table, frame)
            first = frame[bad].iloc[0]
            warnings.warn(
                f"{table.path}: left out {int(bad.sum())} of {len(bad)} bars with a missing or impossible value, "
                f"the first {first['symbol']} at {first['time']} ({table.unit} {first.name})",
                quorate.DataWarning,
                stacklevel=2,
            )
            frame = frame[~bad]
    return frame.sort_values(["symbol", "time"], kind="stable") if sort or newest_first(frame) else frame


def newest_first(frame: pd.DataFrame) -> bool:
    """Whether each bar is earlier than the one of its symbol above it."""
    steps = frame.groupby("symbol", sort=False)["time"].diff().dropna()
    return bool(len(steps) and (steps < pd.Timedelta(0)).all())


def _unused(table: Table, frame: pd.DataFrame, beside: Mapping[str, pd.Series]) -> str:
    """Return what the file tells of adjustment or splits, where its prices do not know of it."""
    if not {"split", "adj_close"} & beside.keys():
        return ""
    frame = frame.sort_values(["symbol", "time"], kind="stable")
    close = frame["close"]
    beside = {name: values.reindex(frame.index) for name, values in beside.items()}
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
