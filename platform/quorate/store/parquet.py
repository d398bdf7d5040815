"""Parquet in and out, by DuckDB; the only module that imports it."""

from __future__ import annotations

import atexit
import base64
import glob
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from quorate.errors import DataError, StoreError
from quorate.store.files import io_reason, replacing

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_ZONE = re.compile(rb"[A-Z][A-Za-z_]+/[A-Za-z_/+\-0-9]+|UTC")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}")
_PERIOD = re.compile(r"period\[(.+)\]")
_ERRNO = re.compile(r'"errno":"(\d+)"')


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a Parquet file into a DataFrame; time stamps come back in the zone that the file notes, else in UTC.

    A Parquet file stores instants; pandas, Arrow and Polars note beside them in which zone they were. A period of
    pandas comes back as its last day, or within a day as its end.

    Raises
    ------
    DataError
        If there is no such file, or it is not Parquet.
    """
    import duckdb
    import pandas as pd

    if not Path(path).is_file():
        raise DataError(f"there is no file {path}")
    try:
        with _connection() as connection, warnings.catch_warnings():
            # DuckDB calls pandas in a way that pandas is about to drop; its users cannot help it.
            warnings.simplefilter("ignore", DeprecationWarning)
            # NaN is stored as NULL; a float column with NULLs comes back as float64 with NaN.
            # The path is a file's: not a pattern, and no folder in it is a column.
            file = [glob.escape(os.fspath(path))]
            frame = connection.execute("SELECT * FROM read_parquet(?, hive_partitioning = false)", file).df()
            if not len(frame):  # DuckDB tells the type of a text by the texts
                frame = frame.astype({name: "str" for name in frame if frame[name].dtype == object})
            told = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", file).fetchall()
            noted = {bytes(key): bytes(value) for key, value in told}
            if zoned := [name for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]:
                zones = _zones(noted)
                for name in zoned:
                    if zone := zones.get(str(name), zones.get("")):
                        frame[name] = frame[name].dt.tz_convert(zone)
            for name, freq in _periods(noted).items():
                if name in frame and frame[name].dtype.kind == "i":
                    periods = pd.PeriodIndex(pd.arrays.PeriodArray(frame[name].to_numpy(), dtype=pd.PeriodDtype(freq)))
                    first, last = periods.to_timestamp(), periods.to_timestamp(how="end")
                    days = bool((first == first.normalize()).all())
                    frame[name] = last.normalize() if days else last + pd.Timedelta(1, "us")
            return frame
    except duckdb.Error as e:
        raise DataError(f"cannot read {path} as Parquet: {str(e).splitlines()[0]}") from e


def read_rows(path: str | os.PathLike[str], columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return columns of a Parquet file row by row, as Python's own values: what shows a few needs no pandas.

    Raises
    ------
    DataError
        If it is not Parquet, or has no such column.
    """
    import duckdb

    chosen = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    try:
        with _connection() as connection:
            file = [glob.escape(os.fspath(path))]
            return connection.execute(
                f"SELECT {chosen} FROM read_parquet(?, hive_partitioning = false)", file
            ).fetchall()
    except duckdb.Error as e:
        raise DataError(f"cannot read {path} as Parquet: {str(e).splitlines()[0]}") from e


def _zones(noted: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the zone of each column, as the writer noted them; under "" the one that all have."""
    told = {name: str(c["metadata"]["timezone"]) for name, c in _columns(noted) if c.get("pandas_type") == "datetimetz"}
    if told:
        return {name: zone for name, zone in told.items() if _is_zone(zone)}
    with suppress(KeyError, ValueError):
        # Arrow's schema is a flat buffer, in which names of zones stand as they are.
        words = _ZONE.findall(base64.b64decode(noted[b"ARROW:schema"]))
        found = {word.decode() for word in words if _is_zone(word.decode())}
        return {"": found.pop()} if len(found) == 1 else {}
    return {}


def _columns(noted: Mapping[bytes, bytes]) -> list[tuple[str, dict[str, Any]]]:
    """Return what pandas notes of each column, by its name in the file: an index may have no name of its own."""
    with suppress(KeyError, TypeError, ValueError):
        return [(str(c.get("field_name") or c["name"]), c) for c in json.loads(noted[b"pandas"])["columns"]]
    return []


def _periods(noted: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the length of each column of periods, which a file stores as numbers."""
    told = {name: _PERIOD.fullmatch(str(c.get("numpy_type"))) for name, c in _columns(noted)}
    return {name: found[1] for name, found in told.items() if found}


def _is_zone(name: str) -> bool:
    if _OFFSET.fullmatch(name):
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def write_parquet(frame: pd.DataFrame, path: str | os.PathLike[str]) -> None:
    """Write a DataFrame to a Parquet file, atomically.

    Raises
    ------
    StoreError
        If it cannot be written; what stood there before still does.
    """
    import duckdb

    with replacing(Path(path)) as temporary:
        try:
            with _connection() as connection:
                connection.from_df(frame).write_parquet(str(temporary), compression="zstd")
        except duckdb.Error as e:
            number = _ERRNO.search(str(e))
            reason = io_reason(OSError(int(number[1]), os.strerror(int(number[1]))), Path(path)) if number else None
            raise StoreError(reason or f"cannot write {path}: {str(e).splitlines()[0]}") from e


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:
    """Return the database in memory of a process: to start one takes several times as long as to read or write."""
    import duckdb

    atexit.register(_database.cache_clear)  # else DuckDB may complain at the end of what it was not given back
    # A file that was replaced is another one, however fast that went.
    return duckdb.connect(":memory:", config={"threads": 1, "enable_external_file_cache": False})


@contextmanager
def _connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection for one table; after an error, which can leave a database useless, the next has another."""
    import duckdb

    try:
        with _database(os.getpid()).cursor() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except duckdb.Error:
        _database.cache_clear()
        raise
