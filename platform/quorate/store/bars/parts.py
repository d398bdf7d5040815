"""Bars of several imports as one frame, by DuckDB."""

from __future__ import annotations

import datetime as dt
import glob
import hashlib
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from quorate.errors import IntegrityError

if TYPE_CHECKING:
    import pandas as pd

THREADS = 4  # of one read, at most


def read_parts(
    paths: Sequence[Path],
    symbols: Sequence[str],
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    columns: Sequence[str] = ("*",),
) -> pd.DataFrame:
    """Return the rows of files one after another, their symbols as categories.

    Parameters
    ----------
    paths : sequence of Path
        Parquet files with columns ``symbol`` and ``time`` (UTC).
    symbols : sequence of str
        Sorted; others are not read.
    since, until : datetime, optional
        First and last time, both included; UTC.
    columns : sequence of str
        Beside symbol and time: all, by ``*``, or these; and with ``filename`` the file of each row.

    Raises
    ------
    IntegrityError
        If a file cannot be read.
    """
    import duckdb

    threads = min(THREADS, os.cpu_count() or 1)
    names = ", ".join(["?"] * len(symbols))
    chosen = "* EXCLUDE (symbol, time)" if "*" in columns else ", ".join(columns)
    beside = ", filename = true" if "filename" in columns else ""
    query = f"""
        SELECT CAST(symbol AS of_symbols) AS symbol, time, {chosen}
        FROM read_parquet(?, union_by_name = true, hive_partitioning = false{beside})
        WHERE symbol IN ({names})
    """
    values: list[object] = [[glob.escape(str(path)) for path in paths], *symbols]
    for sign, bound in ((">=", since), ("<=", until)):
        if bound is not None:
            query += f" AND time {sign} ?"
            values.append(bound)
    try:
        with duckdb.connect(":memory:", config={"threads": threads}) as connection, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # DuckDB's own use of pandas
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET preserve_insertion_order = true")  # what is read later counts
            connection.execute("CREATE TYPE of_symbols AS ENUM (SELECT unnest(?))", [list(symbols)])
            return connection.execute(query, values).df()
    except duckdb.Error as e:
        raise IntegrityError(f"the store cannot be read: {str(e).splitlines()[0]}") from e


def columns_of(paths: Sequence[Path]) -> list[str]:
    """Return the columns that Parquet files have."""
    import duckdb

    files = [glob.escape(str(path)) for path in paths]
    query = "SELECT DISTINCT name FROM parquet_schema(?) WHERE num_children IS NULL ORDER BY name"
    try:
        with duckdb.connect(":memory:") as connection:
            return [str(name) for (name,) in connection.execute(query, [files]).fetchall()]
    except duckdb.Error as e:
        raise IntegrityError(f"the store cannot be read: {str(e).splitlines()[0]}") from e


def check_hashes(folder: Path, expected: Iterable[tuple[str, str]]) -> None:
    """Raise `IntegrityError`, if a file of the store is missing or is not what was written."""
    for name, digest in expected:
        path = folder / name
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as e:
            raise IntegrityError(f"{path} cannot be read: {e.strerror or e}") from e
        if found != digest:
            raise IntegrityError(f"{path} was changed since it was imported: its hash is not the one noted")


def sha256_of(paths: Iterable[Path]) -> Mapping[str, str]:
    """Return the hash of each file by its name."""
    told = {}
    for path in paths:
        with path.open("rb") as file:
            told[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return told
