"""The first lines of a text file: what separates its fields, and what its columns are called."""

from __future__ import annotations

import csv
import gzip
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import quorate

SEPARATORS = (",", ";", "\t", "|")
KINDS = {
    b"PAR1": "a Parquet file, which the source 'parquet' reads: data.source = \"parquet\"",
    b"PK\x03\x04": "a zip archive (or an Excel or NumPy file), which is not read; unpack it, or save it as CSV",
    b"ARROW1": "a Feather file, which is not read; write it as Parquet, e.g. with pandas",
    b"\x89HDF": "an HDF5 file, which is not read; write it as Parquet, e.g. with pandas",
    b"SQLite f": "an SQLite database, which is not read; write a table of it as CSV",
}
MOST = 1000  # lines in which a header is looked for
TITLE = 20  # lines among which it may have others above it
_NUMBER = re.compile(r"[$€£¥]?\s*[-+]?\d[\d.,\s]*[KMBT%]?", re.IGNORECASE)
_DATED = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{8,19}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_FIELD = re.compile(r"(open|high|low|close|adj[ _]?close|volume)", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """How a text file begins.

    Parameters
    ----------
    names : list of str
        What the columns are called; given by position, where no line names them.
    symbols : list of str
        For a file with a column per field and symbol, whose each column is; empty otherwise.
    separator : str
        Between fields.
    lines : int
        Lines before the first bar.
    """

    names: list[str]
    symbols: list[str]
    separator: str
    lines: int


def read_head(path: Path, separator: str | None, skip_rows: int) -> Head:
    """Read the first lines of a file.

    Raises
    ------
    DataError
        If it is empty, is no text, or its first line is a bar whose columns cannot be told.
    """
    _check_kind(path)
    lines = _first_lines(path, skip_rows)
    if not lines:
        below = f" below the first {skip_rows} lines (data.skip_rows)" if skip_rows else ""
        raise quorate.DataError(f"{path}: the file is empty{below}")
    if not skip_rows:
        lines = _below_title(lines)
    number, first = lines[0]
    mark = separator or _separator(first)
    rows = [_cells(line, mark) for _, line in lines[:4]]
    if len(rows) > 1 and (found := _two_rows(rows)):
        names, symbols, used = found
        return Head(names, symbols, mark, lines[used - 1][0] + 1)
    if _is_bar(rows[0]):
        return Head(_by_position(path, rows[0]), [], mark, number)
    return Head(rows[0], [], mark, number + 1)


def _separator(line: str) -> str:
    return max(SEPARATORS, key=lambda one: len(_cells(line, one)))


def _below_title(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the lines from the one on that names prices, if there is one: those above it are a title."""
    for i, (_, line) in enumerate(lines):
        if _fields([name.strip("<>") for name in _cells(line, _separator(line))]) >= 4:
            before = _cells(lines[i - 1][1], _separator(line)) if i else []
            return lines[i - 1 if len(before) == len(_cells(line, _separator(line))) else i :]
    return lines


def _check_kind(path: Path) -> None:
    """Say what a file is that is no text, and how it can be read."""
    with path.open("rb") as file:
        start = file.read(8)
    for mark, kind in KINDS.items():
        if start.startswith(mark):
            raise quorate.DataError(f"{path}: {kind}")
    if start.lstrip()[:1] in (b"{", b"["):
        raise quorate.DataError(f"{path}: JSON, which is not read; write it as CSV or Parquet, e.g. with pandas")


def two_names(header: Sequence[object]) -> tuple[list[str], list[str]] | None:
    """Return fields and symbols of columns called ``('Close', 'MSFT')``, as pandas writes two rows of headers."""
    pairs = [re.fullmatch(r"\('([^']*)', '([^']*)'\)", str(name)) for name in header]
    if sum(pair is not None for pair in pairs) < 4:
        return None
    rows = [[pair[k] if pair else str(name) for pair, name in zip(pairs, header, strict=True)] for k in (1, 2)]
    fields = 0 if _fields(rows[0]) >= _fields(rows[1]) else 1
    symbols = ["" if pair is None else name for pair, name in zip(pairs, rows[1 - fields], strict=True)]
    return [name or other for name, other in zip(rows[fields], rows[1 - fields], strict=True)], symbols


def _first_lines(path: Path, skip_rows: int) -> list[tuple[int, str]]:
    """Return the first few lines that are not empty, with their numbers from 0."""
    found: list[tuple[int, str]] = []
    with _open(path) as file:
        for number, line in enumerate(itertools.islice(file, skip_rows + MOST)):
            if "\0" in line:
                raise quorate.DataError(f"{path}: not a text file; Parquet files are read by the source 'parquet'")
            if number >= skip_rows and line.strip():
                found.append((number, line))
                if len(found) == TITLE:
                    break
    return found


def _cells(line: str, separator: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=separator))]


def _fields(row: Sequence[str]) -> int:
    return sum(_FIELD.fullmatch(name) is not None for name in row)


def _two_rows(rows: Sequence[list[str]]) -> tuple[list[str], list[str], int] | None:
    """Return fields, symbols and how many lines they take, where one line has the fields and one the symbols.

    So pandas writes columns of two levels, as yfinance returns them; a third line may name the dates alone.
    """
    first, second = rows[0], rows[1]
    if len(first) != len(second) or len(first) < 5:
        return None
    upper, lower = _fields(first), _fields(second)
    numbers = any(_NUMBER.fullmatch(cell) for row in (first, second) for cell in row[1:])
    if max(upper, lower) < 4 or min(upper, lower) or numbers:
        return None
    names, symbols = (list(first), list(second)) if upper else (list(second), list(first))
    symbols[0], used = "", 2
    names[0] = "Date"
    if len(rows) > 2 and not any(rows[2][1:]):
        names[0], used = rows[2][0] or "Date", 3
    return names, symbols, used


def _is_bar(row: Sequence[str]) -> bool:
    """Whether a line is a bar: a date, and then nothing but numbers."""
    if len(row) < 5 or not _DATED.fullmatch(row[0]):
        return False
    numbers = row[2:] if _CLOCK.fullmatch(row[1]) else row[1:]
    return all(_NUMBER.fullmatch(cell) for cell in numbers)


def _by_position(path: Path, row: Sequence[str]) -> list[str]:
    """Return the names that columns have nearly everywhere; those after the volume have none."""
    names = ["date", *(["time"] if _CLOCK.fullmatch(row[1]) else []), "open", "high", "low", "close", "volume"]
    if len(row) in (len(names), len(names) - 1) or (len(row) > len(names) and _plausible(row[len(names) - 5 :])):
        return [*names, *[""] * len(row)][: len(row)]
    raise quorate.DataError(
        f"{path}: no line names the columns, and of {len(row)} columns it cannot be told which is which; write a "
        f"first line that names them, e.g. {','.join(names)}"
    )


def _plausible(row: Sequence[str]) -> bool:
    """Whether five numbers can be open, high, low, close and volume, which is no price."""
    try:
        open_, high, low, close, volume = (float(cell) for cell in row[:5])
    except ValueError:
        return False
    return low <= min(open_, close) <= max(open_, close) <= high and not low <= volume <= high


def _open(path: Path) -> IO[str]:
    if path.suffix.lower() == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")
