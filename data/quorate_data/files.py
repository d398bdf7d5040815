"""Bars from CSV, Parquet and Arrow files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data import _tables
from quorate_data._columns import check_columns
from quorate_data._faults import all_faults
from quorate_data._numbers import numbers
from quorate_data._objects import found_files
from quorate_data._options import options_of
from quorate_data._order import name_columns
from quorate_data._paths import find_files, symbol_of, undated_names
from quorate_data._remedies import remedy
from quorate_data._stamps import Stamps, read_stamps
from quorate_data._symbols import ENDINGS, choose, identified, keep_apart, name_symbols, where
from quorate_data._tables import Table
from quorate_data._timing import Times, Timing, close_times, make_timing
from quorate_data._values import finish
from quorate_data._wide import check_fields, files_of, join_fields, with_closes

T = TypeVar("T")
_CSV = (".csv", ".csv.gz")
_PARQUET = (".parquet", ".pq")
_ARROW = (".arrow", ".feather", ".ipc", ".arrows")


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
    categories: list[str] | None = None,
    wide: bool = False,
    fields: dict[str, str] | None = None,
    storage_options: dict[str, Any] | None = None,
    home: Path | None = None,
) -> quorate.Bars:
    """Read bars from CSV files: one for a symbol, a folder of such, or long files of many symbols.

    Columns are recognised whatever their case: open, high, low, close (or last, price); date, time, datetime or
    timestamp (or what exports call it, such as open_time); and, if they are there, volume or vol, symbol or ticker.

    Parameters
    ----------
    path : str or list of str
        A file (``.csv`` or ``.csv.gz``), a folder, or a pattern such as ``"prices/*_D.csv"``; also on S3 and its like,
        ``"s3://bucket/prices/*.csv"``, or a file on the web, ``"https://..."``.
    columns : dict, optional
        Our name to the file's, e.g. ``{close = "Settle"}``, for columns that are called otherwise; where no line names
        them, to their numbers, from ``"1"`` on.
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
        Length of an intraday bar stamped at its open, such as ``60min``; the most common step of its symbol if not
        given.
    mixed : bool
        Take symbols with bars of different lengths, each known when it is over; without it they are an error.
    date_format : str, optional
        How stamps are written, as in ``strptime``. Without it: ISO 8601 (with or without a time and
        an offset), ``YYYYMMDD`` and longer, Unix time in seconds, milli-, micro- or nanoseconds, or dates as people
        write them, where only one reading is possible.
    separator : str, optional
        Between fields, one character; without it the one of ``, ; |`` and tab that the first line has most of.
    decimal : {".", ","}, optional
        What stands before a fraction, the other one then between thousands; without it what the numbers prove.
        Signs of currency are left out; ``1.2M`` is 1,200,000.
    skip_rows : int
        Lines above the header to leave out.
    sort : bool
        Sort the bars by time; without it bars out of order are an error, unless the newest come first throughout.
    invalid : {"error", "drop"}
        What becomes of bars with a missing or impossible value: an error, or left out with a warning.
    adjusted : bool
        Scale the prices so that the close is the file's "Adj Close"; the volume is its "Adj Volume", or else what keeps
        price times volume as it was.
    categories : list of str, optional
        Columns of text, such as an exchange or a sector, to keep beside the prices; ``features.categories`` gives
        them to models.
    wide : bool
        Each column but that of stamps has the closes of a symbol, which it is called after: open, high and low are the
        close, too, and there is no volume.
    fields : dict, optional
        Several such files: which field each has, e.g. ``{close = "close.csv", volume = "volume.csv"}``, in the folder
        that `path` names. A price that none has is the close.
    storage_options : dict, optional
        Of paths such as ``s3://``: ``endpoint``, ``region``, ``access_key_id``, ``secret_access_key`` and others of
        that store, where its own variables do not say them; of ``https://``: ``headers``.

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
    layout = make_layout(
        columns=columns, symbol=symbol, symbols=symbols, timezone=timezone, calendar=calendar, stamp=stamp,
        frequency=frequency, mixed=mixed, date_format=date_format, decimal=decimal, sort=sort, invalid=invalid,
        adjusted=adjusted, categories=categories, wide=wide, fields=fields, storage_options=storage_options, home=home,
    )  # fmt: skip
    return bars_of(path, _CSV, layout, lambda file, how: _tables.read_csv(file, how, separator, skip_rows))


@options_of(csv, "separator", "skip_rows", endings=_PARQUET)
def parquet(path: str | list[str], **options: Any) -> quorate.Bars:
    """Read bars from Parquet files: one for a symbol, a folder of such, or long files of many symbols.

    Stamps may be dates, timestamps with or without a zone, text or Unix time.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """
    return bars_of(path, _PARQUET, make_layout(**options), _tables.read_parquet)


def csv_parts(path: str | list[str], symbol: str | None = None, **_: object) -> list[dict[str, list[str]]]:
    """Return the files that can be read by themselves: those of one symbol together."""
    return _parts(path, _CSV, symbol)


def parquet_parts(path: str | list[str], symbol: str | None = None, **_: object) -> list[dict[str, list[str]]]:
    """Return the files that can be read by themselves: those of one symbol together."""
    return _parts(path, _PARQUET, symbol)


def _parts(path: str | list[str], endings: tuple[str, ...], symbol: str | None) -> list[dict[str, list[str]]]:
    if any("://" in str(one) for one in ([path] if isinstance(path, str) else path)):
        return [{}]  # files of elsewhere come together, sixteen at a time
    files = find_files(path, endings)
    names = undated_names([symbol or symbol_of(file, ENDINGS) for file in files])
    found: dict[str, list[str]] = {}
    for file, name in zip(files, names, strict=True):
        found.setdefault(name, []).append(str(file))
    return [{"path": some} for some in found.values()]


@options_of(csv, "separator", "skip_rows", endings=_ARROW)
def arrow(path: str | list[str], **options: Any) -> quorate.Bars:
    """Read bars from Arrow files, Feather files among them: one for a symbol, a folder of such, or long files.

    Files and streams of Arrow IPC are told apart by what they hold. ``quorate[arrow]`` reads them.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value; or if pyarrow is not installed.
    """
    return bars_of(path, _ARROW, make_layout(**options), _tables.read_arrow)


@dataclass(frozen=True)
class Layout:
    """The options that all kinds of file share; see `csv`."""

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
    categories: list[str]
    fields: Mapping[str, str] = field(default_factory=dict)
    each: str = ""  # the field that each column of a wide file has
    storage_options: Mapping[str, Any] = field(default_factory=dict)
    home: Path | None = None
    clock: quorate.Calendar = field(init=False)

    def __post_init__(self) -> None:
        for name, value, known in (
            ("decimal", self.decimal, (None, ".", ",")),
            ("invalid", self.invalid, ("error", "drop")),
            ("stamp", self.timing.stamp, (None, "close", "open")),
        ):
            if value not in known:
                told = " or ".join(repr(one) for one in known if one)
                raise quorate.DataError(f"data.{name} must be {told}; it was {value!r}")
        for name in ("symbols", "categories"):
            if isinstance(value := getattr(self, name), str):
                raise quorate.DataError(f"data.{name} must be a list; for this one write [{value!r}]")
            object.__setattr__(self, name, list(value))
        check_columns(self.columns)
        check_fields(self)
        object.__setattr__(self, "clock", quorate.get_calendar(self.calendar))


def make_layout(
    *,
    timezone: str | None,
    stamp: Literal["close", "open"] | None,
    frequency: str | None,
    mixed: bool,
    wide: bool,
    **options: Any,
) -> Layout:
    """Return the options of `csv` that all kinds of file share, checked; `DataError` for what cannot be."""
    for name, kind in (
        *((one, dict) for one in ("columns", "fields", "storage_options")),
        *((one, list) for one in ("symbols", "categories")),
    ):
        options[name] = kind() if options[name] is None else options[name]
    return Layout(**options, timing=make_timing(stamp, frequency, mixed, timezone), each="close" if wide else "")


def bars_of(
    path: str | list[str],
    endings: tuple[str, ...],
    layout: Layout,
    read: Callable[[Path, Layout], list[Table]],
    books: bool = False,
) -> quorate.Bars:
    """Return the bars of the files that `path` names.

    Parameters
    ----------
    path : str or list of str
        See `csv`.
    endings : tuple of str
        Of the files of a folder.
    layout : Layout
        How they are read.
    read : callable
        Which gives the tables of one file.
    books : bool
        A file may be a workbook, whose sheets are read as files are.
    """
    if layout.fields:
        return load([files_of(path, layout.fields, books)], layout, lambda files: join_fields(files, layout, read))
    files, told = found_files(path, endings, layout.storage_options, layout.home)
    if layout.each:
        bars = load(files, layout, lambda file: with_closes(read(file, layout)))
    else:
        bars = load(files, layout, lambda file: read(file, layout))
    return replace(bars, read=tuple(told))


def load(files: Sequence[T], layout: Layout, read: Callable[[T], list[Table]]) -> quorate.Bars:
    """Return the bars of all tables that are read of files; all that is wrong with them is one error."""
    tables: list[Table] = []
    unread: list[quorate.DataError] = []
    for file in files:
        try:
            tables += [identified(table) if table.others else table for table in read(file)]
        except quorate.DataError as e:
            unread.append(e)
    for line in dict.fromkeys(line for table in tables for line in table.told):
        warnings.warn(line, quorate.DataWarning, stacklevel=5)
    try:
        if unread:
            raise unread[0]
        if not tables:
            raise quorate.DataError(f"{files[0]}: there are no bars of what was asked for")
        return _bars(tables, layout)
    except quorate.DataError as e:
        if e.rows or (len(files) > 1 and unread):
            raise all_faults(e, unread, tables, layout) from e
        raise


def _bars(tables: list[Table], layout: Layout) -> quorate.Bars:
    tables = choose(name_symbols(tables, layout.symbol), layout.symbols)
    stamps = [read_stamps(t, layout.timing.timezone, layout.clock, layout.date_format) for t in tables]
    for table, one in zip(tables, stamps, strict=True):
        _check_clock_change(table, one, layout.timing)
    keep_apart(tables, stamps)
    frames, beside = (list(parts) for parts in zip(*[numbers(t, layout.decimal) for t in tables], strict=True))
    names = np.concatenate([f["symbol"].to_numpy(dtype=str) for f in frames])
    try:
        times = _closes(tables, stamps, names, layout)
    except quorate.DataError as e:
        raise quorate.DataError(f"{where(tables)}: {e}") from e
    start = 0
    for frame in frames:
        stop = start + len(frame)
        frame["time"] = pd.DatetimeIndex(times[start:stop]).tz_localize("UTC")
        start = stop
    frames = _named(tables, frames)
    finished = [
        finish(table, frame, told, layout.adjusted, layout.invalid, layout.sort)
        for table, frame, told in zip(tables, frames, beside, strict=True)
    ]
    finished = [
        frame.assign(**{name: texts.reindex(frame.index) for name, texts in table.categories.items()})
        for table, frame in zip(tables, finished, strict=True)
    ]
    return _panel(tables, finished, layout)


def _closes(tables: list[Table], stamps: list[Stamps], names: NDArray[np.str_], layout: Layout) -> Times:
    """Return when each bar is over."""
    if all(table.closed for table in tables):
        return np.concatenate([one.utc for one in stamps])
    return close_times(stamps, names, layout.clock, layout.timing)


def _named(tables: list[Table], frames: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the frames, with names for the columns of files that name none: one order for all of as many columns."""
    alike: dict[int, list[int]] = {}
    for i, table in enumerate(tables):
        if table.bare:
            alike.setdefault(frames[i].shape[1], []).append(i)
    for places in alike.values():
        parts = [frames[i].sort_values("time", kind="stable").drop(columns=["symbol", "time"]) for i in places]
        fields = {name: field for field, name in name_columns(tables[places[0]].path, parts).items()}
        for i in places:
            frames[i] = frames[i][["symbol", "time", *fields]].rename(columns=fields)
    return frames


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


def _panel(tables: list[Table], frames: list[pd.DataFrame], layout: Layout) -> quorate.Bars:
    whole = pd.concat(frames)
    if layout.sort:
        whole = whole.sort_values(["symbol", "time"], kind="stable")
    try:
        return quorate.Bars.from_frame(whole, layout.clock, layout.categories)
    except quorate.DataError as whole_error:
        for table, frame in zip(tables, frames, strict=True):
            try:
                quorate.Bars.from_frame(frame, layout.clock, layout.categories)
            except quorate.DataError as e:
                told = f"{table.path}: {e}{remedy(table, frame, layout.clock)}"
                raise quorate.DataError(told, e.rows, e.rule, e.was) from e
        raise quorate.DataError(
            f"{where(tables)}: {whole_error}{remedy(tables[0], whole, layout.clock)}",
            whole_error.rows,
            whole_error.rule,
            whole_error.was,
        ) from whole_error
