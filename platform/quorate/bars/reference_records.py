"""Records as series that returns are held against: put in order, in one unit, and doubted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from quorate import statistics
from quorate.bars.covariates import value_name
from quorate.bars.panel import Bars
from quorate.bars.records import OWN
from quorate.bars.references import DAY, LONGER, ReferenceSeries
from quorate.errors import DataError, near_misses, one_of, plural
from quorate.statistics import Floats

MONTH = 25 * DAY  # between records of months, at least
WILD, QUIET = 0.10, 0.0001  # deviation of a day's return beyond which its unit is doubted
MISSING = (-99.99, -999.0)  # how Kenneth French writes what is not known
RATE = "rf"  # how the return of cash is called
Kind = Literal["prices", "returns", "factors"]


def reference_of(
    frames: Sequence[pd.DataFrame],
    name: str,
    timezone: str,
    kind: Kind,
    *,
    percent: bool = False,
    symbol: str | None = None,
) -> tuple[ReferenceSeries, list[str]]:
    """Check records, and return the series that they are and what is to be asked about it.

    Parameters
    ----------
    frames : sequence of DataFrame
        As sources give records: ``time``, time-zone aware, and values; of several, joined by the time. Midnights of
        `timezone` alone are the ends of days.
    name : str
        What the series is called in a report.
    timezone : str
        Of the exchange.
    kind : str
        What they are: returns of several factors have betas, and may have the return of cash beside them.
    percent : bool
        Returns are in percent.
    symbol : str, optional
        Which one, of records of several.

    Raises
    ------
    DataError
        Naming the value and the day, where records cannot be used.
    """
    parts = [_part(frame, name, timezone, kind, percent, symbol) for frame in frames]
    found = parts[0] if len(parts) == 1 else _joined(parts)
    if not found.names:
        raise DataError(f"it has the return of cash, {RATE}, and no factor")
    told = _doubts(found, percent)
    table = _complete(found)
    if kind == "factors" and (at := statistics.factor_model(table.sum(axis=1), table).dependent) is not None:
        still = bool(np.ptp(table[:, at]) == 0)
        raise DataError(
            f"the factor {found.names[at]!r} {'does not vary' if still else f'is made of {one_of(found.names[:at])}'}, "
            "so that no beta can be told apart: leave it out of factors.values"
        )
    return found, told


def of_symbol(bars: Bars, symbol: str) -> ReferenceSeries:
    """Return the closes of a symbol of bars as a benchmark.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    if symbol not in bars.symbols:
        raise DataError(
            f"benchmark.symbol: there are no bars of {symbol!r}; there are {one_of(bars.symbols[:10])}"
            f"{near_misses(symbol, bars.symbols)}; a series of another file is read with benchmark.path"
        )
    there = bars.present[:, bars.symbols.index(symbol)]
    closes = bars.close[there, bars.symbols.index(symbol)]
    closes.flags.writeable = False
    return ReferenceSeries(symbol, bars.times[there], {"close": closes}, prices=True, dates=False)


def _part(
    frame: pd.DataFrame, name: str, timezone: str, kind: str, percent: bool, symbol: str | None
) -> ReferenceSeries:
    """Return the series of one table of records."""
    prices = kind == "prices"
    frame = _of_one(frame, symbol)
    local = frame["time"].dt.tz_convert(timezone)
    dates = bool((local == local.dt.normalize()).all())
    stamps = frame["time"].dt.tz_convert("UTC").dt.tz_localize(None)
    if dates:  # a date is the end of its day
        stamps = (local - pd.Timedelta(1, "us")).dt.tz_localize(None).dt.normalize()
    frame = frame.assign(time=stamps.astype("datetime64[us]")).sort_values("time", kind="stable")
    values = {value_name(str(key)): frame[key] for key in frame if key not in OWN}
    table = pd.DataFrame({"time": frame["time"], **values}).drop_duplicates()
    if (again := table["time"].duplicated()).any():
        when = table["time"][again].iloc[0]
        raise DataError(
            f"of {len(table):,} records {int(again.sum()):,} have the time of another and other values, the first of "
            f"{when:%Y-%m-%d}: one of a time must be left"
        )
    numbers = {key: _number(key, table, prices, percent) for key in values}
    moments = table["time"].to_numpy().astype("datetime64[us]")
    rate = RATE if RATE in numbers and kind == "factors" else ""
    found = ReferenceSeries(name, moments, numbers, prices, dates, rate)
    if len(found) < 2:
        raise DataError(f"it has {plural(len(found), 'record')}, and at least 2 are needed")
    days = moments.astype("datetime64[D]")
    if not prices and dates and found.spacing >= MONTH and (days == days.astype("datetime64[M]")).all():
        raise DataError(
            f"every return is of the first day of a month, {days[0]} and so on, which says nothing of where the month "
            f"ends that it is of: write months as {str(days[0])[:7]}, or the last day of each"
        )
    return found


def _of_one(frame: pd.DataFrame, symbol: str | None) -> pd.DataFrame:
    """Return the records of one symbol, or those of none."""
    if "time" not in frame or not isinstance(frame["time"].dtype, pd.DatetimeTZDtype):
        raise DataError("the column 'time' must hold time-zone aware stamps, one for each record")
    whose = frame["symbol"].astype("str").str.strip() if "symbol" in frame else pd.Series("", index=frame.index)
    names = sorted({*whose} - {""})
    if symbol is not None and names:
        if symbol not in names:
            raise DataError(
                f"benchmark.symbol: it has no {symbol!r}; it has {one_of(names)}{near_misses(symbol, names)}"
            )
        return frame[(whose == symbol).to_numpy()]
    if len(names) > 1:
        raise DataError(f"it is of several symbols, {one_of(names)}: say which with benchmark.symbol")
    return frame


def _number(key: str, table: pd.DataFrame, prices: bool, percent: bool) -> Floats:
    """Return a value as prices, or as returns in fractions."""
    if table[key].dtype.kind not in "fiub":
        raise DataError(f"the value {key!r} must be numbers; its type is {table[key].dtype}")
    column = np.array(table[key], dtype=np.float64)
    if percent:
        column[np.isin(column, MISSING)] = np.nan
        column /= 100.0
    wrong = np.isinf(column) | (column <= (0.0 if prices else -1.0))
    if wrong.any():
        at = int(wrong.argmax())
        must = (
            "prices must be above 0; for returns, say benchmark.returns = true"
            if prices
            else "a return must be above -1, that is -100 %; are they in percent (percent = true), or prices?"
        )
        raise DataError(
            f"{key!r} is {table[key].iloc[at]:g} on {table['time'].iloc[at]:%Y-%m-%d} ({int(wrong.sum()):,} such): "
            f"{must}"
        )
    column.flags.writeable = False
    return column


def _joined(parts: Sequence[ReferenceSeries]) -> ReferenceSeries:
    """Return several series as one, by their stamps."""
    first = parts[0]
    values: dict[str, pd.Series] = {}
    for one in parts:
        if one.dates != first.dates:
            raise DataError("some files have dates and others times of the day: they cannot be joined")
        if not 1 / LONGER <= one.spacing / first.spacing <= LONGER:
            spans = [f"{float(part.spacing / DAY):.3g}" for part in (first, one)]
            raise DataError(f"files of other periods cannot be joined: records are {' and '.join(spans)} days apart")
        if twice := [key for key in one.values if key in values]:
            raise DataError(f"{twice[0]!r} is in two files: name the columns that are wanted in factors.values")
        values |= {key: pd.Series(column, index=one.stamps) for key, column in one.values.items()}
    table = pd.DataFrame(values).sort_index()
    columns: dict[str, Floats] = {key: table[key].to_numpy() for key in values}
    stamps = table.index.to_numpy().astype("datetime64[us]")
    rate = RATE if RATE in values else ""
    return ReferenceSeries(first.name, stamps, columns, first.prices, first.dates, rate)


def _complete(series: ReferenceSeries) -> Floats:
    """Return the factors where all are known, (n, k)."""
    table = np.column_stack([series.values[name] for name in series.names])
    found: Floats = table[np.isfinite(table).all(axis=1)]
    return found


def _doubts(series: ReferenceSeries, percent: bool) -> list[str]:
    """Return what is to be asked about returns; an error, if they cannot be returns in this unit."""
    told: list[str] = []
    root = float(np.sqrt(max(series.spacing / DAY, 1.0)))
    for name in series.names if not series.prices else ():
        known = series.values[name][np.isfinite(series.values[name])]
        spread = float(np.std(known)) if len(known) else 0.0
        if spread > WILD * root:
            remedy = "are they prices?" if percent else "are they in percent (percent = true), or prices?"
            raise DataError(
                f"{name!r} cannot be returns as fractions: their standard deviation is {spread:.3g} a record: {remedy}"
            )
        if 0 < spread < QUIET * root and percent:
            told.append(
                f"{name!r} hardly moves, by {spread:.2%} a record: is it in percent (percent = true), or as fractions?"
            )
    return told
