"""Parquet in and out, by DuckDB; the only module that imports it."""

from __future__ import annotations

import glob
import os
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from quorate.errors import DataError, StoreError
from quorate.store.files import io_reason, replacing

if TYPE_CHECKING:
    import pandas as pd

_ERRNO = re.compile(r'"errno":"(\d+)"')


def read_parquet(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a Parquet file into a DataFrame; time stamps come back in UTC.

    Raises
    ------
    DataError
        If there is no such file, or it is not Parquet.
    """
    import duckdb

    if not Path(path).is_file():
        raise DataError(f"there is no file {path}")
    try:
        with duckdb.connect(":memory:", config={"threads": 1}) as connection, warnings.catch_warnings():
            # DuckDB calls pandas in a way that pandas is about to drop; its users cannot help it.
            warnings.simplefilter("ignore", DeprecationWarning)
            connection.execute("SET TimeZone = 'UTC'")
            # NaN is stored as NULL; a float column with NULLs comes back as float64 with NaN.
            # The path is a file's: not a pattern, and no folder in it is a column.
            return connection.execute(
                "SELECT * FROM read_parquet(?, hive_partitioning = false)", [glob.escape(os.fspath(path))]
            ).df()
    except duckdb.Error as e:
        raise DataError(f"cannot read {path} as Parquet: {str(e).splitlines()[0]}") from e


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
            with duckdb.connect(":memory:", config={"threads": 1}) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                connection.from_df(frame).write_parquet(str(temporary), compression="zstd")
        except duckdb.Error as e:
            number = _ERRNO.search(str(e))
            reason = io_reason(OSError(int(number[1]), os.strerror(int(number[1]))), Path(path)) if number else None
            raise StoreError(reason or f"cannot write {path}: {str(e).splitlines()[0]}") from e
