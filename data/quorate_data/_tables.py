"""Files as tables: the columns of the bars under our names, and where each row stands."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._arrow import arrow_frame
from quorate_data._columns import Part, identifiers, split, unnamed, with_categories
from quorate_data._heads import MISSING, Head, ragged, read_head, two_names
from quorate_data._names import tells_open
from quorate_data._opened import UNPACKING, encoding_of, opened
from quorate_data._order import shows_open
from quorate_data._pairs import join_times
from quorate_data._rows import no_bars
from quorate_data._symbol_columns import columns_of_symbols
from quorate_data._text import POINTS
from quorate_data._writers import divide_billionths, take_volume

if TYPE_CHECKING:
    from quorate_data._layout import Layout

_TEXT = ("symbol", "time")


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
    begins : bool
        Its stamps are the open of bars.
    separator : str
        Between the fields of a text file; empty, where columns have types of their own.
    undated : str
        The symbol, where it is the file's name without a date.
    beside : dict of Series
        What the file tells of adjustment, splits and another volume, by row, though it is not read.
    others : dict of Series
        What else it holds, by the name of the column: something of it may tell bars of one stamp apart.
    told : tuple of str
        What is to be said of how it was read.
    quoted : bool
        Its numbers stand in quotation marks.
    categories : dict of Series
        What models may read as text, by row.
    keyed : bool
        Its rows stand in no order: what a row is, its symbol and its stamp tell.
    closed : bool
        Its stamps are when bars are over, whatever their length.
    """

    path: Path
    frame: pd.DataFrame
    unit: str
    time_name: str = ""
    begins: bool = False
    separator: str = ""
    undated: str = ""
    beside: Mapping[str, pd.Series] = field(default_factory=dict)
    others: Mapping[str, pd.Series] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    quoted: bool = False
    categories: Mapping[str, pd.Series] = field(default_factory=dict)
    keyed: bool = False
    closed: bool = False

    @property
    def bare(self) -> bool:
        """Whether no line names the columns, so that those of numbers have none yet."""
        return "close" not in self.frame

    def at(self, label: object) -> str:
        """Return ``file, line 12`` for the row of that label."""
        return f"{self.path}, {self.row(label)}"

    def row(self, label: object) -> str:
        """Return ``line 12`` for the row of that label, or what it holds, where rows stand in no order."""
        if not self.keyed:
            return f"{self.unit} {label}"
        at = int(np.asarray(self.frame.index == label).argmax())
        told = [self.frame[name].iloc[at] for name in ("symbol", "time") if name in self.frame]
        return " at ".join(str(value) for value in told if value == value)

    def wrong(self, bad: NDArray[np.bool_], name: str, rule: str) -> tuple[list[int], str, list[str]]:
        """Return what an error tells of rows that are wrong, and of what they have in a column."""
        values = self.frame[name][bad][: quorate.DataError.TOLD]
        was = ["nothing" if value != value or value == "" else repr(str(value).strip()) for value in values]
        return np.flatnonzero(bad).tolist(), rule, was

    def without(self, rows: Sequence[int]) -> Table:
        """Return the table without the rows at some positions."""
        return replace(self, frame=self.frame.drop(index=self.frame.index[[*rows]]))


def read_csv(
    path: Path, layout: Layout, separator: str | None = None, skip_rows: int = 0, text: str | None = None
) -> list[Table]:
    """Read a CSV file, as `_opened` opens it; one with a column per field and symbol is a table per symbol.

    Parameters
    ----------
    path : Path
        The file.
    layout : Layout
        How it is read.
    separator, skip_rows
        See `files.csv`.
    text : str, optional
        What it holds, of another kind of file: its lines are then called rows.

    Raises
    ------
    DataError
        If it is empty, is not text, has ragged rows, or lacks a column.
    """
    try:
        head = read_head(path, separator, skip_rows, text)
        if head.stamps and not layout.each and not layout.records:
            parts = [unnamed(path, head.names, head.stamps, layout.columns, layout.adjusted)]
            parts = with_categories(path, head.names, parts, layout.categories)
        else:
            parts = _parts(path, head.names, head.symbols, layout)
        try:
            raw = _raw(path, text, head, parts, layout.decimal)
        except pd.errors.ParserError as e:
            if told := ragged(path, head):
                raise quorate.DataError(f"{path}: {told}") from e
            raise
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
    except (OSError, EOFError, *UNPACKING) as e:
        raise quorate.DataError(f"{path}: cannot be read: {e}") from e
    except pd.errors.EmptyDataError as e:
        raise quorate.DataError(f"{path}: there is a header but no row below it") from e
    raw.index = raw.index + head.lines + 1
    found = tables_of(path, raw, parts, "line" if text is None else "row", head.separator, head.names)
    return [replace(table, quoted=True) for table in found] if head.quoted else found


def _raw(path: Path, text: str | None, head: Head, parts: list[Part], decimal: str | None) -> pd.DataFrame:
    """Return the fields of a text file by their place: numbers as such, where they can be no others."""
    texts = {part.places["symbol"] for part in parts if "symbol" in part.places}
    texts |= {place for part in parts for place in (*part.times, *part.beside_times)}
    texts |= {place for part in parts for place in part.categories.values()}
    texts |= {place for place in identifiers(head.names) if any(place in part.others for part in parts)}
    # The stubs allow text keys only, but the columns are called by their position here.
    missing: Any = {i: MISSING for i in range(len(head.names)) if i not in texts}

    encoding = "utf-8" if text is not None else encoding_of(path).removesuffix("-sig")

    pandas_unpacks = path.suffix.lower() not in (".zip", ".zst")

    def read(unread: Iterable[int]) -> pd.DataFrame:
        dtypes: dict[Hashable, type[str]] = dict.fromkeys(unread, str)
        return pd.read_csv(
            io.StringIO(text) if text is not None else path if pandas_unpacks else opened(path),
            sep=head.separator,
            header=None,
            names=list(range(len(head.names))),
            skiprows=head.lines,
            index_col=False,
            dtype=dtypes,
            encoding=encoding,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=missing,
            skipinitialspace=True,
            low_memory=False,
        )

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # Where a comma may stand before a fraction, a point may stand between thousands.
        everything = range(len(head.names))
        raw = read(texts if head.separator == "," and decimal != "," else everything)
        if head.separator == "," and decimal is None:
            if any(_commas(raw[place]) for place in missing):
                raw = read(everything)
            elif head.quoted and _maybe_thousands(as_text := read(everything), parts):
                raw = as_text
    return raw


def read_parquet(path: Path, layout: Layout) -> list[Table]:
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
    return read_frame(path, raw, layout)


def read_arrow(path: Path, layout: Layout) -> list[Table]:
    """Read an Arrow file, as `read_parquet` does.

    Raises
    ------
    DataError
        If it is not one, is empty, or lacks a column; or without pyarrow.
    """
    return read_frame(path, arrow_frame(path), layout)


def read_frame(path: Path, raw: pd.DataFrame, layout: Layout) -> list[Table]:
    """Return the tables of a file whose columns have types of their own."""
    names, symbols = two_names(list(raw.columns)) or ([str(c) for c in raw.columns], [])
    names = _levels(raw, names)
    parts = _parts(path, names, symbols, layout)
    raw = raw.set_axis(range(len(names)), axis=1)
    raw.index = pd.RangeIndex(1, len(raw) + 1)
    return tables_of(path, raw, parts, "row", "", names)


def _parts(path: Path, names: Sequence[str], symbols: Sequence[str], layout: Layout) -> list[Part]:
    """Return where the columns stand that a layout asks for."""
    if layout.records:
        return [layout.records.part(path, names)]
    if layout.each and any(symbols):
        raise quorate.DataError(
            f"{path}: two lines name the columns, by field and by symbol, which is read as it is: leave data.wide and "
            "data.fields out"
        )
    if layout.each:
        parts = [columns_of_symbols(path, names, layout.columns, layout.each, layout.categories)]
    else:
        parts = split(path, names, symbols, layout.columns, layout.adjusted)
    return with_categories(path, names, parts, layout.categories)


def _levels(raw: pd.DataFrame, names: list[str]) -> list[str]:
    """Return names for what pandas kept of an index without one: of several levels that of text has the symbols."""
    levels = [i for i, name in enumerate(names) if name.startswith("__index_level_")]
    times = [i for i in levels if len(levels) == 1 or pd.api.types.is_datetime64_any_dtype(raw.iloc[:, i].dtype)]
    texts = [i for i in levels if i not in times and raw.iloc[:, i].dtype.kind not in "iufb"]
    named = {**dict.fromkeys(times[:1], "time"), **dict.fromkeys(texts[:1], "symbol")}
    short = {name.lower() for name in names}
    return [named[i] if i in named and named[i] not in short else name for i, name in enumerate(names)]


def _commas(column: pd.Series) -> bool:
    return column.dtype.kind not in "fiub" and bool(column.astype("str").str.contains(r",|\.\d+\.", regex=True).any())


def _maybe_thousands(raw: pd.DataFrame, parts: list[Part]) -> bool:
    """Whether each number with a point has three digits after it, so that the point may stand between thousands."""
    places = {place for part in parts for name, place in part.places.items() if name not in _TEXT}
    every = pd.concat([raw[place].dropna().str.strip() for place in sorted(places)])
    pointed = every[every.str.contains(".", regex=False)]
    return len(pointed) > 0 and bool(pointed.str.fullmatch(POINTS).all())


def tables_of(
    path: Path, raw: pd.DataFrame, parts: list[Part], unit: str, separator: str, header: list[str]
) -> list[Table]:
    """Return a table for each part; of several, one without bars is left out with a warning."""
    tables = [_table(path, raw, part, unit, separator, header) for part in parts]
    found = [table for table in tables if len(table.frame)]
    if not found:
        raise quorate.DataError(f"{path}: there is a header but no row below it")
    for part, table in zip(parts, tables, strict=True):
        if not len(table.frame):
            warnings.warn(
                f"{path}: {part.symbol} is left out: the file has columns for it, but no bars",
                quorate.DataWarning,
                stacklevel=4,
            )
    return found


def _table(path: Path, raw: pd.DataFrame, part: Part, unit: str, separator: str, header: list[str]) -> Table:
    frame = pd.DataFrame({name: raw[place] for name, place in part.places.items()})
    frame["time"], times = join_times(path, raw, part, header)
    if separator:
        for name in set(_TEXT) & set(frame.columns):
            frame[name] = frame[name].fillna("").str.strip()
    frame = frame[~_blank(frame, part)].copy()
    told = take_volume(path, frame, raw, part, header)
    told += divide_billionths(path, frame, header)
    if separator and not part.records and 0 < (left := no_bars(frame)).sum() <= len(left) / 2:
        first = left.index[int(left.to_numpy().argmax())]
        row = ", ".join(str(value) for value in frame.loc[first] if value == value and value != "")
        told = (
            *told,
            f"{path}, line {first}: left out, as it is no row of bars: {row!r} ({int(left.sum())} such lines)",
        )
        frame = frame[~left]
    if part.symbol:
        frame = frame.assign(symbol=part.symbol)
    return Table(
        path,
        frame,
        unit,
        " ".join(header[i] for i in times),
        tells_open(header, times) or ("close" not in frame and shows_open(frame)),
        separator,
        beside={name: raw[place].reindex(frame.index) for name, place in part.beside.items()},
        others={header[place]: raw[place].reindex(frame.index) for place in part.others},
        told=told,
        categories={name: raw[place].reindex(frame.index) for name, place in part.categories.items()},
    )


def _other(path: Path) -> str:
    """Return which source reads a file that is called as text is."""
    return ' (data.source = "csv" reads text)' if re.search(r"\.(csv|txt|tsv)(\.\w+)?$", path.name.lower()) else ""


def _blank(frame: pd.DataFrame, part: Part) -> pd.Series:
    """Return which rows hold nothing; of one symbol among several, no values."""
    time = frame["time"]
    some = time.isna() | (time == "")
    if not part.symbol and not some.any():
        return some
    values = frame.drop(columns="time") if part.symbol else frame
    return (values.isna() | (values == "")).all(axis=1)
