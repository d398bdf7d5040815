"""Files as tables: the columns of the bars under our names, and where each row stands."""

from __future__ import annotations

import csv
import gzip
import itertools
import warnings
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pandas as pd

import quorate
from quorate_data._columns import pick_columns

_TEXT = ("symbol", "time")
_MISSING = ["", "NA", "N/A", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "-", "."]


@dataclass(frozen=True)
class Table:
    """One file's rows.

    Parameters
    ----------
    path : Path
        The file.
    frame : DataFrame
        Columns ``time``, ``open``, ... as they stand in the file; the index says where each row is.
    unit : str
        What the index counts, from 1: ``line`` or ``row``.
    time_name : str
        What the file calls the column of stamps.
    """

    path: Path
    frame: pd.DataFrame
    unit: str
    time_name: str = ""

    def at(self, label: object) -> str:
        """Return ``file, line 12`` for the row of that label."""
        return f"{self.path}, {self.unit} {label}"


def read_csv(path: Path, columns: Mapping[str, str], adjusted: bool, separator: str, skip_rows: int) -> Table:
    """Read a CSV file, plain or ``.gz``, in UTF-8.

    Raises
    ------
    DataError
        If it is empty, is not text, has ragged rows, or lacks a column.
    """
    try:
        header, above = _header(path, separator, skip_rows)
        picked = pick_columns(path, header, columns, adjusted)
        text = {place for name, place in picked.items() if name in _TEXT}
        dtypes: dict[Hashable, type[str]] = dict.fromkeys(text, str)
        # The stubs allow text keys only, but the columns are called by their position here.
        missing: Any = {i: _MISSING for i in range(len(header)) if i not in text}
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            raw = pd.read_csv(
                path,
                sep=separator,
                header=None,
                names=list(range(len(header))),
                skiprows=above + 1,
                index_col=False,
                dtype=dtypes,
                encoding="utf-8",
                skip_blank_lines=False,
                keep_default_na=False,
                na_values=missing,
                skipinitialspace=True,
                low_memory=False,
            )
    except UnicodeDecodeError as e:
        raise quorate.DataError(
            f"{path}: not a text file in UTF-8 ({e.reason} at byte {e.start}); if it is text, save it as UTF-8"
        ) from e
    except (pd.errors.ParserError, csv.Error) as e:
        raise quorate.DataError(f"{path}: not a regular table: {str(e).split('C error: ')[-1].strip()}") from e
    except pd.errors.ParserWarning as e:
        raise quorate.DataError(
            f"{path}: the rows have more fields than the header, which names {len(header)} columns"
        ) from e
    except (OSError, EOFError) as e:
        raise quorate.DataError(f"{path}: cannot be read: {e}") from e
    except pd.errors.EmptyDataError as e:
        raise quorate.DataError(f"{path}: there is a header but no row below it") from e
    frame = pd.DataFrame({name: raw[place] for name, place in picked.items()})
    frame.index = frame.index + above + 2
    for name in set(_TEXT) & set(frame.columns):
        frame[name] = frame[name].fillna("").str.strip()
    blank = (frame.isna() | (frame == "")).all(axis=1)
    return Table(path, _not_empty(path, frame[~blank]), "line", header[picked["time"]])


def read_parquet(path: Path, columns: Mapping[str, str], adjusted: bool) -> Table:
    """Read a Parquet file.

    Raises
    ------
    DataError
        If it is not one, is empty, or lacks a column.
    """
    try:
        raw = quorate.read_parquet(path)
    except quorate.QuorateError as e:
        raise quorate.DataError(f"{path}: not a readable Parquet file: {e}") from e
    picked = pick_columns(path, [str(c) for c in raw.columns], columns, adjusted)
    frame = pd.DataFrame({name: raw.iloc[:, place] for name, place in picked.items()})
    frame.index = pd.RangeIndex(1, len(frame) + 1)
    return Table(path, _not_empty(path, frame), "row", str(raw.columns[picked["time"]]))


def _not_empty(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        raise quorate.DataError(f"{path}: there is a header but no row below it")
    return frame


def _header(path: Path, separator: str, skip_rows: int) -> tuple[list[str], int]:
    """Return the column names and the number of lines above them."""
    with _open(path) as file:
        for number, line in enumerate(itertools.islice(file, skip_rows + 1000)):
            if "\0" in line:
                raise quorate.DataError(f"{path}: not a text file; Parquet files are read by the source 'parquet'")
            if number >= skip_rows and line.strip():
                return [name.strip() for name in next(csv.reader([line], delimiter=separator))], number
    below = f" below the first {skip_rows} lines (data.skip_rows)" if skip_rows else ""
    raise quorate.DataError(f"{path}: the file is empty{below}")


def _open(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")
