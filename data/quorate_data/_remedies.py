"""What is to be done about bars that are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._names import PRICES
from quorate_data._symbols import what_tells_apart
from quorate_data._tables import Table

MANY, SHARE = 20, 0.1  # of bars, beyond which it is not they that are wrong, but how they are read
SMALLEST, LARGEST = 1e-100, 1e100  # of prices that bars take
NOT_BY_CHANCE = (
    "so many are not wrong by chance: see that data.columns names the right columns, and data.decimal how their "
    "numbers are written"
)
ROUNDING = 1e-6  # what `Bars.from_frame` widens


def remedy(table: Table, frame: pd.DataFrame, clock: quorate.Calendar) -> str:
    """Return what helps against what `Bars.from_frame` refuses of a file's bars.

    Raises
    ------
    DataError
        If prices are wrong because of how they were read.
    """
    if frame.duplicated(["symbol", "time"]).any():
        if name := what_tells_apart(table):
            return f'; if {name!r} tells whose the bars are: data.columns = {{ symbol = "{name}" }}'
        return "; leave all but one of them out of the file"
    if (frame.groupby("symbol", sort=False)["time"].diff() < pd.Timedelta(0)).any():
        return "; set data.sort = true"
    if (bad := invalid_bars(frame)).any():
        check_thousands(table, frame)
        if bad.sum() > MANY and bad.mean() > SHARE:
            return f"; {NOT_BY_CHANCE}"
        return '; correct them, or leave them out with data.invalid = "drop"'
    sessions = pd.DatetimeIndex(clock.sessions(frame["time"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()))
    if (sessions.day_of_week == 6).any():
        return '; set data.timezone to that zone, or for such a market data.calendar = "24x7"'
    return ""


def invalid_bars(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which bars have a missing or impossible value."""
    prices = frame[list(PRICES)].to_numpy()
    bad: NDArray[np.bool_] = np.any(~((prices >= SMALLEST) & (prices <= LARGEST)), axis=1)
    for name in ("open", "close"):
        inside = frame[name].between(frame["low"] * (1 - ROUNDING), frame["high"] * (1 + ROUNDING))
        bad |= ~inside.to_numpy(dtype=bool)
    if "volume" in frame:
        volume = frame["volume"].to_numpy()
        bad |= (volume < 0) | np.isinf(volume)
    return bad


def check_thousands(table: Table, frame: pd.DataFrame) -> None:
    """Raise `DataError` if prices are wrong because a point stands between thousands: 996, 1.023, 991."""
    bad = invalid_bars(frame)
    prices = frame[list(PRICES)].to_numpy()
    if not bad.any() or not np.isfinite(prices[bad]).all():
        return
    with np.errstate(invalid="ignore"):
        small = prices < np.nanmax(prices, axis=1, keepdims=True) / 100
    mended = frame.assign(**dict(zip(PRICES, np.where(small, prices * 1000, prices).T, strict=True)))
    thousandths = np.abs(prices[bad] * 1000 - np.rint(prices[bad] * 1000)) < 1e-6
    if small[bad].any(axis=1).all() and thousandths.all() and not invalid_bars(mended)[bad].any():
        first = int(bad.argmax())
        raise quorate.DataError(
            f"{table.at(frame.index[first])}: prices of one bar are {', '.join(f'{p:g}' for p in prices[first])}: the "
            f'point seems to stand between thousands ({int(bad.sum())} of {len(bad)} bars); set data.decimal = ","'
        )
