"""Splits and dividends: prices as they were traded, made comparable over time.

Prices before an action are scaled, those from its day on stay: returns within a history do not change by what comes
after it, as all of it is scaled alike.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from quorate.bars.panel import PRICES, Bars
from quorate.errors import DataError
from quorate.statistics import Floats

Adjust = Literal["none", "splits", "total"]
HOW: tuple[Adjust, ...] = ("none", "splits", "total")
KINDS = ("split", "dividend")
COLUMNS = ("symbol", "session", "kind", "value")


def check_actions(actions: pd.DataFrame) -> pd.DataFrame:
    """Return splits and dividends as they are kept, by symbol and session.

    Parameters
    ----------
    actions : DataFrame
        ``symbol``, ``session`` (the ex date), ``kind`` (``split`` or ``dividend``) and ``value``: new shares per old,
        or cash per share in prices of that day. A value of zero takes an earlier one back.

    Raises
    ------
    DataError
        Naming the first that cannot be one.
    """
    if missing := [name for name in COLUMNS if name not in actions]:
        raise DataError(f"splits and dividends need a column {missing[0]!r}; there are {', '.join(map(str, actions))}")
    found = actions[[*COLUMNS]].astype({"symbol": str, "kind": str})
    found["session"] = pd.to_datetime(found["session"]).dt.tz_localize(None).dt.normalize().astype("datetime64[us]")
    found["value"] = found["value"].astype(float)
    for name, bad, told in (
        ("kind", ~found["kind"].isin(KINDS), "must be split or dividend"),
        ("session", found["session"].isna(), "must be a date"),
        ("value", ~np.isfinite(found["value"]) | (found["value"] < 0), "must be a number, not below zero"),
    ):
        if bad.any():
            one = found[bad].iloc[0]
            raise DataError(f"a split or dividend of {one['symbol']}: its {name} {told}; it was {one[name]}")
    return found.sort_values([*COLUMNS[:3]], ignore_index=True)


def adjusted(bars: Bars, actions: pd.DataFrame, how: Adjust) -> Bars:
    """Return bars with prices and volumes as if there had been no splits, and with `total` no dividends either.

    Parameters
    ----------
    bars : Bars
        As they were traded.
    actions : DataFrame
        As `check_actions` gives them; those after the last bar change nothing.
    how : {"none", "splits", "total"}
        What is adjusted for.

    Raises
    ------
    DataError
        If a dividend is as large as the price.

    Notes
    -----
    A split of r new shares for an old one divides the prices before it by r, and multiplies the volumes. A dividend d
    multiplies the prices before it by ``1 - d / c``, c being the last close before it, in shares of the day.
    """
    if how == "none" or actions.empty:
        return bars
    prices = np.ones(bars.close.shape, order="F")
    volumes = np.ones(bars.close.shape, order="F")
    for symbol, told in actions[actions["value"] > 0].groupby("symbol"):
        if symbol in bars.symbols:
            column = bars.symbols.index(str(symbol))
            prices[:, column], volumes[:, column] = _factors(bars, column, told, how)
    fields: dict[str, Any] = {name: _fixed(getattr(bars, name) * prices) for name in PRICES}
    return replace(bars, **fields, volume=_fixed(bars.volume * volumes))


def _factors(bars: Bars, column: int, actions: pd.DataFrame, how: Adjust) -> tuple[Floats, Floats]:
    """Return what a symbol's prices and volumes are multiplied by, (n_bars,) each."""
    price, volume = np.ones(len(bars)), np.ones(len(bars))
    close = bars.close[:, column]
    days = actions["session"].to_numpy().astype("datetime64[D]")
    kinds, values = actions["kind"].to_numpy(), actions["value"].to_numpy(dtype=np.float64)
    for day in np.unique(days):
        start = int(np.searchsorted(bars.sessions, day))
        before = np.flatnonzero(np.isfinite(close[:start]))
        if start == len(bars) or not len(before):
            continue
        ratio = float(values[(days == day) & (kinds == "split")].prod())
        price[:start] /= ratio
        volume[:start] *= ratio
        cash = float(values[(days == day) & (kinds == "dividend")].sum())
        if how == "total" and cash:
            last = float(close[before[-1]]) / ratio
            if cash >= last:
                raise DataError(
                    f"{bars.symbols[column]} on {day}: a dividend of {cash:g} is not less than the price before it, "
                    f"{last:g}: is it in another currency or unit?"
                )
            price[:start] *= 1 - cash / last
    return price, volume


def _fixed(values: Floats) -> Floats:
    values = np.asfortranarray(values)
    values.flags.writeable = False
    return values
