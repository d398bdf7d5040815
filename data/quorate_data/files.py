"""Bars from CSV and Parquet files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

import quorate
from quorate_data import _tables
from quorate_data._columns import check_columns
from quorate_data._numbers import numbers
from quorate_data._paths import find_files, symbol_of, undated_names
from quorate_data._stamps import Stamps, read_stamps
from quorate_data._tables import Table
from quorate_data._text import near
from quorate_data._timing import Timing, close_times, make_timing
from quorate_data._values import finish

_CSV = (".csv", ".csv.gz")
_PARQUET = (".parquet", ".pq")


def csv(
    path: str | list[str],
    columns: dict[str, str] | None = None,
    symbol: str | None = None,
    symbols: list[str] | None = None,
    timezone: str | None = None,
    calendar: str = "us-equity",
    stamp: Literal["close", "open"] | None = None,
    frequency: str | None = None,
    mixed: bool = False,
    date_format: str | None = None,
    separator: str | None = None,
    decimal: Literal[".", ","] | None = None,
    skip_rows: int = 0,
    sort: bool = False,
    invalid: Literal["error", "drop"] = "error",
    adjusted: bool = False,
) -> quorate.Bars:
    """Read bars from CSV files: one for a symbol, a folder of such, or long files of many symbols.

    Columns are recognised whatever their case: open, high, low, close (or last, price); date, time, datetime or
    timestamp (or what exports call it, such as open_time); and, if they are there, volume or vol, symbol or ticker.

    Parameters
    ----------
    path : str or list of str
        A file (``.csv`` or ``.csv.gz``), a folder, or a pattern such as ``"prices/*_D.csv"``.
    columns : dict, optional
        Our name to the file's, e.g. ``{close = "Settle"}``, for columns that are called otherwise.
    symbol : str, optional
        Name of the symbol of files without a symbol column; each file's name otherwise, or what is left of it where
        names differ by a date alone, as those of monthly files do.
    symbols : list of str, optional
        Read these only.
    timezone : str, optional
        Zone of intraday stamps that carry none; the exchange's if not given. Of stamps with a zone, the one at whose
        midnight daily bars are stamped; their own if not given.
    calendar : str
        ``us-equity``, ``weekdays`` or ``24x7``; with ``quorate[calendars]`` an exchange, such as ``XETR`` or ``NYSE``.
    stamp : {"close", "open"}, optional
        Which end of a bar its stamp is; matters for intraday, weekly and monthly bars. If not given, what the hours
        of the calendar prove, else the close.
    frequency : str, optional
        Length of an intraday bar stamped at its open; the most common step of its symbol if not given.
    mixed : bool
        Take symbols with bars of different lengths, each known when it is over; without it they are an error.
    date_format : str, optional
        How stamps are written, as in ``strptime``. Without it: ISO 8601 (with or without a time and
        an offset), ``YYYYMMDD``, or Unix time in seconds, milli-, micro- or nanoseconds.
    separator : str, optional
        Between fields, one character; without it the one of ``, ; |`` and tab that the first line has most of.
    decimal : {".", ","}, optional
        What stands before a fraction, the other one then between thousands; without it what the numbers prove.
        Signs of currency are left out; ``1.2M`` is 1,200,000.
    skip_rows : int
        Lines above the header to leave out.
    sort : bool
        Sort the bars by time; without it bars out of order are an error.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.
    adjusted : bool
        Scale the prices so that the close is the file's "Adj Close"; the volume is its "Adj Volume", or else what keeps
        price times volume as it was.

    Returns
    -------
    Bars
        A daily bar closes with its session: a bare date, in whatever zone, is the session; other
        stamps are first converted to the exchange's zone.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the line and the value.
    """
    if separator is not None and len(separator) != 1:
        raise quorate.DataError(f"data.separator must be one character; it was {separator!r}")
    if skip_rows < 0:
        raise quorate.DataError(f"data.skip_rows must not be negative; it was {skip_rows}")
    layout = Layout(
        columns or {},
        symbol,
        symbols or [],
        calendar,
        date_format,
        sort,
        invalid,
        adjusted,
        decimal,
        make_timing(stamp, frequency, mixed, timezone),
    )
    return _load(
        find_files(path, _CSV), layout, lambda f: _tables.read_csv(f, layout.columns, adjusted, separator, skip_rows)
    )


def parquet(
    path: str | list[str],
    columns: dict[str, str] | None = None,
    symbol: str | None = None,
    symbols: list[str] | None = None,
    timezone: str | None = None,
    calendar: str = "us-equity",
    stamp: Literal["close", "open"] | None = None,
    frequency: str | None = None,
    mixed: bool = False,
    date_format: str | None = None,
    decimal: Literal[".", ","] | None = None,
    sort: bool = False,
    invalid: Literal["error", "drop"] = "error",
    adjusted: bool = False,
) -> quorate.Bars:
    """Read bars from Parquet files; the options are those of `csv`.

    Stamps may be dates, timestamps with or without a zone, text or Unix time.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """
    layout = Layout(
        columns or {},
        symbol,
        symbols or [],
        calendar,
        date_format,
        sort,
        invalid,
        adjusted,
        decimal,
        make_timing(stamp, frequency, mixed, timezone),
    )
    return _load(find_files(path, _PARQUET), layout, lambda f: _tables.read_parquet(f, layout.columns, adjusted))


@dataclass(frozen=True)
class Layout:
    """The options that both kinds of file share; see `csv`."""

    columns: dict[str, str]
    symbol: str | None
    symbols: list[str]
    calendar: str
    date_format: str | None
    sort: bool
    invalid: Literal["error", "drop"]
    adjusted: bool
    decimal: Literal[".", ","] | None
    timing: Timing
    clock: quorate.Calendar = field(init=False)

    def __post_init__(self) -> None:
        check_columns(self.columns)
        object.__setattr__(self, "clock", quorate.get_calendar(self.calendar))


def _load(files: list[Path], layout: Layout, read: Callable[[Path], list[Table]]) -> quorate.Bars:
    tables = _choose(_name_symbols([table for file in files for table in read(file)], layout), layout.symbols)
    stamps = [read_stamps(t, layout.timing.timezone, layout.clock, layout.date_format) for t in tables]
    for table, one in zip(tables, stamps, strict=True):
        _check_clock_change(table, one, layout.timing)
    _keep_apart(tables, stamps)
    frames = [numbers(t, layout.decimal) for t in tables]
    names = np.concatenate([f["symbol"].to_numpy(dtype=str) for f in frames])
    try:
        times = close_times(stamps, names, layout.clock, layout.timing)
    except quorate.DataError as e:
        raise quorate.DataError(f"{_where(tables)}: {e}") from e
    start = 0
    for i, frame in enumerate(frames):
        stop = start + len(frame)
        frame["time"] = pd.DatetimeIndex(times[start:stop]).tz_localize("UTC")
        frames[i] = finish(tables[i], frame, layout.adjusted, layout.invalid, layout.sort)
        start = stop
    return _panel(tables, frames, layout)


def _where(tables: list[Table]) -> str:
    return str(tables[0].path) if len(tables) == 1 else f"{tables[0].path} and {len(tables) - 1} more"


def _name_symbols(tables: list[Table], layout: Layout) -> list[Table]:
    """Return the tables, each with a symbol column: its own, the given name, or the file's name.

    Files whose names differ by a date alone, one after the other, are of one symbol.
    """
    bare = [i for i, table in enumerate(tables) if "symbol" not in table.frame]
    for table in tables:
        if "symbol" not in table.frame:
            continue
        if layout.symbol is not None:
            raise quorate.DataError(
                f"{table.path}: data.symbol = {layout.symbol!r} is for files without a symbol column, "
                "but this file has one; choose from it with data.symbols = [...]"
            )
        _check_symbols(table)
    owner: dict[str, Path] = {}
    names = [layout.symbol or symbol_of(tables[i].path, _CSV + _PARQUET) for i in bare]
    for i, name, short in zip(bare, names, names if layout.symbol else undated_names(names), strict=True):
        table = tables[i]
        if layout.symbol is None and name in owner:
            raise quorate.DataError(
                f"{owner[name]} and {table.path} would both be the symbol {name!r}; rename one of them, or, if all "
                "files are of one symbol, set data.symbol"
            )
        owner[name] = table.path
        table.frame["symbol"] = short
        tables[i] = replace(table, undated=short if short != name else "")
    return tables


def _keep_apart(tables: list[Table], stamps: list[Stamps]) -> None:
    """Give files their whole names back, where those that seemed to be parts of one symbol run side by side."""
    parts: dict[str, list[int]] = {}
    for i, table in enumerate(tables):
        if table.undated:
            parts.setdefault(table.undated, []).append(i)
    for places in parts.values():
        spans = sorted((stamps[i].utc.min(), stamps[i].utc.max()) for i in places)
        if any(after[0] <= before[1] for before, after in pairwise(spans)):
            for i in places:
                tables[i].frame["symbol"] = symbol_of(tables[i].path, _CSV + _PARQUET)


def _check_clock_change(table: Table, stamps: Stamps, timing: Timing) -> None:
    """Ask for the zone of stamps without one, if an hour stands twice where clocks go back."""
    if not stamps.naive or timing.timezone is not None or stamps.at_midnight:
        return
    wall = pd.DatetimeIndex(stamps.wall)
    again = pd.DataFrame({"symbol": table.frame["symbol"].to_numpy(), "wall": wall}).duplicated().to_numpy()
    night = again & (wall.day_of_week == 6) & (wall.hour < 4) & np.isin(wall.month, (3, 4, 10, 11))
    if night.any() and night.sum() == again.sum():
        first = int(night.argmax())
        raise quorate.DataError(
            f"{table.at(table.frame.index[first])}: {wall[first]} stands twice, as an hour does where clocks go back: "
            'say in which zone the stamps are with data.timezone, e.g. "America/New_York"'
        )


def _check_symbols(table: Table) -> None:
    column = table.frame["symbol"]
    missing = (column.isna() | (column.astype("str") == "")).to_numpy()
    if missing.any():
        raise quorate.DataError(f"{table.at(column.index[int(missing.argmax())])}: there is no symbol")
    table.frame["symbol"] = column.astype("str")


def _choose(tables: list[Table], symbols: list[str]) -> list[Table]:
    if not symbols:
        return tables
    known = {name for table in tables for name in table.frame["symbol"].unique()}
    for name in symbols:
        if name not in known:
            raise quorate.DataError(f"{_where(tables)}: there are no bars of the symbol {name!r}{near(name, known)}")
    chosen = [replace(t, frame=t.frame[t.frame["symbol"].isin(symbols)].copy()) for t in tables]
    return [t for t in chosen if len(t.frame)]


def _panel(tables: list[Table], frames: list[pd.DataFrame], layout: Layout) -> quorate.Bars:
    whole = pd.concat(frames)
    if layout.sort:
        whole = whole.sort_values(["symbol", "time"], kind="stable")
    try:
        return quorate.Bars.from_frame(whole, layout.clock)
    except quorate.DataError as whole_error:
        for table, frame in zip(tables, frames, strict=True):
            try:
                quorate.Bars.from_frame(frame, layout.clock)
            except quorate.DataError as e:
                raise quorate.DataError(f"{table.path}: {e}") from e
        raise quorate.DataError(f"{_where(tables)}: {whole_error}") from whole_error
