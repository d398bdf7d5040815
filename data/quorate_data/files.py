"""Bars from CSV, Parquet and Arrow files."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import quorate
from quorate_data import _tables
from quorate_data._faults import all_faults
from quorate_data._layout import Layout, make_layout
from quorate_data._objects import found_files
from quorate_data._options import options_of
from quorate_data._panels import bars_of_tables
from quorate_data._paths import find_files, symbol_of, undated_names
from quorate_data._symbols import ENDINGS, identified
from quorate_data._tables import Table
from quorate_data._wide import files_of, join_fields, with_closes

T = TypeVar("T")
CSV = (".csv", ".csv.gz", ".csv.bz2", ".csv.xz", ".csv.zst", ".csv.zip")
PARQUET = (".parquet", ".pq")
ARROW = (".arrow", ".feather", ".ipc", ".arrows")


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
        Sort the bars by time; without it bars out of order are an error, unless the newest come first.
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
    return bars_of(path, CSV, layout, lambda file, how: _tables.read_csv(file, how, separator, skip_rows))


@options_of(csv, "separator", "skip_rows", endings=PARQUET)
def parquet(path: str | list[str], **options: Any) -> quorate.Bars:
    """Read bars from Parquet files: one for a symbol, a folder of such, or long files of many symbols.

    Stamps may be dates, timestamps with or without a zone, text or Unix time.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """
    return bars_of(path, PARQUET, make_layout(**options), _tables.read_parquet)


def csv_parts(
    path: str | list[str], symbol: str | None = None, fields: dict[str, str] | None = None, **_: object
) -> list[dict[str, list[str]]]:
    """Return the files that can be read by themselves: those of one symbol together."""
    return _parts(path, CSV, symbol, fields)


def parquet_parts(
    path: str | list[str], symbol: str | None = None, fields: dict[str, str] | None = None, **_: object
) -> list[dict[str, list[str]]]:
    """Return the files that can be read by themselves: those of one symbol together."""
    return _parts(path, PARQUET, symbol, fields)


def arrow_parts(
    path: str | list[str], symbol: str | None = None, fields: dict[str, str] | None = None, **_: object
) -> list[dict[str, list[str]]]:
    """Return the files that can be read by themselves: those of one symbol together."""
    return _parts(path, ARROW, symbol, fields)


def _parts(
    path: str | list[str], endings: tuple[str, ...], symbol: str | None, fields: dict[str, str] | None
) -> list[dict[str, list[str]]]:
    if fields or any("://" in str(one) for one in ([path] if isinstance(path, str) else path)):
        return [{}]  # files of elsewhere come together, sixteen at a time; those of fields belong together
    files = find_files(path, endings)
    names = undated_names([symbol or symbol_of(file, ENDINGS) for file in files])
    found: dict[str, list[str]] = {}
    for file, name in zip(files, names, strict=True):
        found.setdefault(name, []).append(str(file))
    return [{"path": some} for some in found.values()]


@options_of(csv, "separator", "skip_rows", endings=ARROW)
def arrow(path: str | list[str], **options: Any) -> quorate.Bars:
    """Read bars from Arrow files, Feather files among them: one for a symbol, a folder of such, or long files.

    Files and streams of Arrow IPC are told apart by what they hold. ``quorate[arrow]`` reads them.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value; or if pyarrow is not installed.
    """
    return bars_of(path, ARROW, make_layout(**options), _tables.read_arrow)


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
        bars = load(files, layout, lambda file: with_closes(read(file, layout), layout))
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
        return bars_of_tables(tables, layout)
    except quorate.DataError as e:
        if e.rows or (len(files) > 1 and unread):
            raise all_faults(e, unread, tables, layout) from e
        raise
