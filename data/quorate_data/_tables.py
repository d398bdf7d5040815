"""Files as tables: the columns of the bars under our names, and where each row stands."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

import quorate
from quorate_data._columns import Part, split, told_beside
from quorate_data._heads import read_head, two_names
from quorate_data._text import listed

_TEXT = ("symbol", "time")
_CLOCK = r"\d{1,2}:\d{2}.*|\d{4}|\d{6}"
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
    separator : str
        Between the fields of a text file.
    undated : str
        The symbol, where it is the file's name without a date.
    beside : dict of Series
        What the file tells of adjustment and splits, by row, though it is not read.
    """

    path: Path
    frame: pd.DataFrame
    unit: str
    time_name: str = ""
    separator: str = ""
    undated: str = ""
    beside: Mapping[str, pd.Series] = field(default_factory=dict)

    def at(self, label: object) -> str:
        """Return ``file, line 12`` for the row of that label."""
        return f"{self.path}, {self.unit} {label}"


def read_csv(
    path: Path, columns: Mapping[str, str], adjusted: bool, separator: str | None, skip_rows: int
) -> list[Table]:
    """Read a CSV file, plain or ``.gz``, in UTF-8; one with a column per field and symbol is a table per symbol.

    Raises
    ------
    DataError
        If it is empty, is not text, has ragged rows, or lacks a column.
    """
    try:
        head = read_head(path, separator, skip_rows)
        parts = split(path, head.names, head.symbols, columns, adjusted)
        text = {place for part in parts for name, place in part.places.items() if name in _TEXT}
        text |= {part.clock for part in parts if part.clock is not None}
        # The stubs allow text keys only, but the columns are called by their position here.
        missing: Any = {i: _MISSING for i in range(len(head.names)) if i not in text}

        def read(unread: Iterable[int]) -> pd.DataFrame:
            dtypes: dict[Hashable, type[str]] = dict.fromkeys(unread, str)
            return pd.read_csv(
                path,
                sep=head.separator,
                header=None,
                names=list(range(len(head.names))),
                skiprows=head.lines,
                index_col=False,
                dtype=dtypes,
                encoding="utf-8",
                skip_blank_lines=False,
                keep_default_na=False,
                na_values=missing,
                skipinitialspace=True,
                low_memory=False,
            )

        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # Where a comma may stand before a fraction, a point may stand between thousands.
            raw = read(text if head.separator == "," else range(len(head.names)))
            if head.separator == "," and any(_commas(raw[place]) for place in missing):
                raw = read(range(len(head.names)))
    except UnicodeDecodeError as e:
        raise quorate.DataError(
            f"{path}: not a text file in UTF-8 ({e.reason} at byte {e.start}); if it is text, save it as UTF-8"
        ) from e
    except (pd.errors.ParserError, csv.Error) as e:
        raise quorate.DataError(f"{path}: not a regular table: {str(e).split('C error: ')[-1].strip()}") from e
    except pd.errors.ParserWarning as e:
        raise quorate.DataError(
            f"{path}: the rows have more fields than the header, which names {len(head.names)} columns"
        ) from e
    except (OSError, EOFError) as e:
        raise quorate.DataError(f"{path}: cannot be read: {e}") from e
    except pd.errors.EmptyDataError as e:
        raise quorate.DataError(f"{path}: there is a header but no row below it") from e
    raw.index = raw.index + head.lines + 1
    return [_table(path, raw, part, "line", head.separator, head.names) for part in parts]


def read_parquet(path: Path, columns: Mapping[str, str], adjusted: bool) -> list[Table]:
    """Read a Parquet file; one with a column per field and symbol is a table per symbol.

    Raises
    ------
    DataError
        If it is not one, is empty, or lacks a column.
    """
    try:
        raw = quorate.read_parquet(path)
    except quorate.QuorateError as e:
        raise quorate.DataError(f"{path}: not a readable Parquet file{_other(path)}: {e}") from e
    names, symbols = two_names(list(raw.columns)) or ([str(c) for c in raw.columns], [])
    parts = split(path, names, symbols, columns, adjusted)
    raw = raw.set_axis(range(len(names)), axis=1)
    raw.index = pd.RangeIndex(1, len(raw) + 1)
    return [_table(path, raw, part, "row", "", names) for part in parts]


def _commas(column: pd.Series) -> bool:
    return column.dtype.kind not in "fiub" and bool(column.astype("str").str.contains(",", regex=False).any())


def _table(path: Path, raw: pd.DataFrame, part: Part, unit: str, separator: str, header: list[str]) -> Table:
    times = [header[i] for i in part.times]
    frame = pd.DataFrame({name: raw[place] for name, place in part.places.items()})
    if unit == "line":
        for name in set(_TEXT) & set(frame.columns):
            frame[name] = frame[name].fillna("").str.strip()
    if part.clock is not None:
        clock = raw[part.clock].fillna("").astype("str").str.strip()
        if not clock[clock != ""].iloc[:1].str.fullmatch(_CLOCK).all():
            raise quorate.DataError(
                f"{path}: the columns {listed(times)} could all be 'time'; "
                f'say which one is with data.columns = {{ time = "{times[0]}" }}'
            )
        frame["time"] = (frame["time"].astype("str") + " " + clock).str.strip()
    values = frame.drop(columns="time") if part.symbol else frame
    blank = (values.isna() | (values == "")).all(axis=1)
    frame = frame[~blank].copy()
    if part.symbol:
        frame["symbol"] = part.symbol
    beside = {
        name: pd.to_numeric(raw[place].reindex(frame.index), errors="coerce")
        for name, place in ({} if part.symbol else told_beside(header)).items()
        if place not in part.places.values()
    }
    return Table(path, _not_empty(path, frame), unit, " ".join(times), separator, beside=beside)


def _not_empty(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        raise quorate.DataError(f"{path}: there is a header but no row below it")
    return frame


def _other(path: Path) -> str:
    """Return which source reads a file that is called as text is."""
    return ' (data.source = "csv" reads text)' if re.search(r"\.(csv|txt|tsv)(\.\w+)?$", path.name.lower()) else ""
