"""Covariates from files and databases: the records that are joined with bars as they were known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from quorate_data import _postgresql, _sql, _tables
from quorate_data._layout import Layout
from quorate_data._objects import found_files
from quorate_data._options import options_of
from quorate_data._records import Wanted, records_layout, records_of_tables
from quorate_data._tables import Table
from quorate_data.databases import Asked, Database
from quorate_data.files import ARROW, CSV, PARQUET


def csv(
    path: str | list[str],
    columns: dict[str, str] | None = None,
    timezone: str | None = None,
    date_format: str | None = None,
    separator: str | None = None,
    decimal: Literal[".", ","] | None = None,
    skip_rows: int = 0,
    storage_options: dict[str, Any] | None = None,
    zone: str = "UTC",
    values: list[str] | Literal["*"] | None = None,
    home: Path | None = None,
) -> pd.DataFrame:
    """Read records of a covariate from CSV files.

    Columns are recognised whatever their case: ``time`` (or date, timestamp, period, as_of), ``published_at`` (or
    released_at, filed, announced and the like), and ``symbol`` (or ticker).

    Parameters
    ----------
    path : str or list of str
        A file (``.csv`` or ``.csv.gz``), a folder, or a pattern such as ``"news/*.csv"``; also on S3 and its like, or a
        file on the web, ``"https://..."``.
    columns : dict, optional
        Our name to the file's, e.g. ``{published_at = "Release"}``, for columns that are called otherwise.
    timezone : str, optional
        Zone of stamps that carry none, and of dates; the exchange's if not given. A date alone is the end of that day.
    date_format : str, optional
        How stamps are written, as in ``strptime``; without it as for bars.
    separator : str, optional
        Between fields, one character; without it the one of ``, ; |`` and tab that the first line has most of.
    decimal : {".", ","}, optional
        What stands before a fraction, the other one then between thousands; without it what the numbers prove.
    skip_rows : int
        Lines above the header to leave out.
    storage_options : dict, optional
        Of paths such as ``s3://`` and ``https://``; as for bars.

    Returns
    -------
    DataFrame
        ``time``, ``published_at``, ``symbol`` and values.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the line and the value.
    """
    layout = records_layout(columns, values, timezone, date_format, decimal)
    return _of_files(
        path,
        CSV,
        layout,
        storage_options,
        zone,
        home,
        lambda file: _tables.read_csv(file, layout, separator, skip_rows),
    )


@options_of(csv, "separator", "skip_rows", endings=PARQUET)
def parquet(path: str | list[str], **options: Any) -> pd.DataFrame:
    """Read records of a covariate from Parquet files.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """
    return _typed(path, PARQUET, _tables.read_parquet, **options)


@options_of(csv, "separator", "skip_rows", endings=ARROW)
def arrow(path: str | list[str], **options: Any) -> pd.DataFrame:
    """Read records of a covariate from Arrow and Feather files.

    Raises
    ------
    DataError
        Naming the file and, where there is one, the row and the value.
    """
    return _typed(path, ARROW, _tables.read_arrow, **options)


_OF_FILES = ("path", "separator", "skip_rows", "storage_options", "home")


@options_of(csv, *_OF_FILES, endings=("", ""))
def postgresql(
    url: str, table: str = "", query: str = "", parameters: dict[str, Any] | None = None, **options: Any
) -> pd.DataFrame:
    """Read records of a covariate from a table, a view or a query of a PostgreSQL server.

    Parameters
    ----------
    url, table, query, parameters
        As for bars.

    Raises
    ------
    DataError
        Naming the row by its stamp, or what the database says.
    """
    return _of_database(_postgresql.connected(url), Asked(table, query, parameters or {}, None, None), **options)


@options_of(csv, *_OF_FILES, endings=("", ""))
def sql(
    url: str, table: str = "", query: str = "", parameters: dict[str, Any] | None = None, **options: Any
) -> pd.DataFrame:
    """Read records of a covariate from any database that SQLAlchemy or ADBC has a driver for.

    Parameters
    ----------
    url, table, query, parameters
        As for bars.

    Raises
    ------
    DataError
        Naming the row by its stamp, or what the database says.
    """
    return _of_database(_sql.connected(url), Asked(table, query, parameters or {}, None, None), **options)


def _typed(
    path: str | list[str],
    endings: tuple[str, ...],
    read: Callable[[Path, Layout], list[Table]],
    columns: dict[str, str] | None,
    timezone: str | None,
    date_format: str | None,
    decimal: str | None,
    storage_options: dict[str, Any] | None,
    zone: str,
    values: list[str] | Literal["*"] | None,
    home: Path | None,
) -> pd.DataFrame:
    layout = records_layout(columns, values, timezone, date_format, decimal)
    return _of_files(path, endings, layout, storage_options, zone, home, lambda file: read(file, layout))


def _of_files(
    path: str | list[str],
    endings: tuple[str, ...],
    layout: Layout,
    storage_options: Mapping[str, Any] | None,
    zone: str,
    home: Path | None,
    read: Callable[[Path], list[Table]],
) -> pd.DataFrame:
    files, told = found_files(path, endings, storage_options or {}, home)
    frame = records_of_tables([table for file in files for table in read(file)], layout, zone)
    frame.attrs["read"] = told
    return frame


def _of_database(
    connecting: AbstractContextManager[Database],
    asked: Asked,
    columns: dict[str, str] | None,
    timezone: str | None,
    date_format: str | None,
    decimal: str | None,
    zone: str,
    values: list[str] | Literal["*"] | None,
) -> pd.DataFrame:
    layout = records_layout(columns, values, timezone, date_format, decimal)
    with connecting as database:
        rows = asked.rows(database)
        header = database.columns(rows)
        part = Wanted(columns or {}, values).part(asked.path, header)
        names = [header[place] for place in part.places.values()]
        raw = database.fetch(names, rows).set_axis(list(part.places.values()), axis=1)
        server = database.version
    raw.index = pd.RangeIndex(1, len(raw) + 1)
    frame = records_of_tables(_tables.tables_of(asked.path, raw, [part], "row", "", header), layout, zone)
    frame.attrs["read"] = [{"server": server, "statement": f"SELECT {', '.join(names)} FROM {rows}", "rows": len(raw)}]
    return frame
