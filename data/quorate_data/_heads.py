"""The first lines of a text file: what separates its fields, and what its columns are called."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import quorate
from quorate_data._names import most_fields
from quorate_data._opened import PACKED, opened, text_of

SEPARATORS = (",", ";", "\t", "|")
KINDS = {
    b"PAR1": "a Parquet file, which the source 'parquet' reads: data.source = \"parquet\"",
    b"PK\x03\x04": "a zip archive (or a NumPy file), which is not read; unpack it; an Excel file is read by the source "
    "'excel': data.source = \"excel\"",
    b"\xd0\xcf\x11\xe0": "an Excel file, which the source 'excel' reads: data.source = \"excel\"",
    b"ARROW1": "an Arrow or Feather file, which the source 'arrow' reads: data.source = \"arrow\"",
    b"\x89HDF": "an HDF5 file, which is not read; write it as Parquet, e.g. with pandas",
    b"SQLite f": "an SQLite database, which is not read; write a table of it as CSV",
}
MOST = 1000  # lines in which a header is looked for
TITLE = 20  # lines among which it may have others above it
MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "NAN", "null", "NULL", "None", "-", "--", ".")
_NUMBER = re.compile(r"[$€£¥₹]?\s*[-+]?\d[\d.,'’\s]*(?:E[-+]?\d+)?[KMBT%]?", re.IGNORECASE)
_DATED = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?|\d{8}[ T]\d{4,6}|\d{8,19}(\.\d+)?")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?")
_DIGITS = re.compile(r"(?:[01]?\d|2[0-3])?[0-5]?\d(?:[0-5]\d)?")  # of a time of day
_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_FIELD = re.compile(r"(open|high|low|close|adj[ _]?close|volume)", re.IGNORECASE)


@dataclass(frozen=True)
class Head:
    """How a text file begins.

    Parameters
    ----------
    names : list of str
        What the columns are called; their numbers, where no line names them.
    symbols : list of str
        For a file with a column per field and symbol, whose each column is; empty otherwise.
    separator : str
        Between fields.
    lines : int
        Lines before the first bar.
    stamps : int
        Where no line names the columns, how many of them are stamps, from the first on; else 0.
    quoted : bool
        Numbers stand in quotation marks.
    """

    names: list[str]
    symbols: list[str]
    separator: str
    lines: int
    stamps: int = 0
    quoted: bool = False


def read_head(path: Path, separator: str | None, skip_rows: int, text: str | None = None) -> Head:
    """Read the first lines of a file, or of the text that it holds.

    Raises
    ------
    DataError
        If it is empty, is no text, or its first line is a bar whose columns cannot be told.
    """
    if text is None:
        _check_kind(path)
    lines = _first_lines(path, skip_rows, text)
    if lines and not separator and (told := _SEP.fullmatch(lines[0][1])):  # as spreadsheets write it
        separator, lines = told[1], lines[1:]
    if not lines:
        below = f" below the first {skip_rows} lines (data.skip_rows)" if skip_rows else ""
        raise quorate.DataError(f"{path}: the file is empty{below}")
    if not skip_rows:
        lines = _below_title(lines)
    number, first = lines[0]
    mark = separator or _separator(first)
    rows = [_cells(line, mark) for _, line in lines]
    quoted = re.search(r'"[-+]?\d[\d.,]*"', lines[-1][1]) is not None
    if len(rows) > 1 and (found := _two_rows(rows)):
        names, symbols, used = found
        return Head(names, symbols, mark, lines[used - 1][0] + 1, quoted=quoted)
    if _is_bar(rows[0]):
        stamps = 2 if _has_clock(rows) else 1
        return Head([str(i + 1) for i in range(len(rows[0]))], [], mark, number, stamps, quoted)
    return Head(_as_long(rows), [], mark, number + 1, quoted=quoted)


def _as_long(rows: Sequence[list[str]]) -> list[str]:
    """Return the names in the first row, and empty ones, where each row below ends with a separator and it does not."""
    names, *below = rows
    more = {len(row) for row in below if not any(row[len(names) :])}
    longest = more.pop() if len(more) == 1 and all(not any(row[len(names) :]) for row in below) else 0
    return [*names, *[""] * (longest - len(names))]


def _separator(line: str) -> str:
    """Return what separates the fields of a line; a comma may stand within numbers, so the others come first."""
    found = {mark: len(_cells(line, mark)) for mark in SEPARATORS}
    rare = max(SEPARATORS[1:], key=found.__getitem__)
    return rare if found[rare] >= max(5, found[","] / 2) or found[rare] > found[","] else ","


def _below_title(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the lines from the one on that names prices, if there is one: those above it are a title."""
    for i, (_, line) in enumerate(lines):
        if most_fields(_cells(line, _separator(line))) >= 4:
            before = _cells(lines[i - 1][1], _separator(line)) if i else []
            return lines[i - 1 if len(before) == len(_cells(line, _separator(line))) else i :]
    return lines


def _check_kind(path: Path) -> None:
    """Say what a file is that is no text, and how it can be read."""
    with opened(path) as file:
        start = file.read(64)
    for mark, kind in KINDS.items():
        if start.startswith(mark):
            raise quorate.DataError(f"{path}: {kind}")
    for ending, (mark, kind) in PACKED.items():
        if start.startswith(mark):
            raise quorate.DataError(f"{path}: {kind}, which is read under a name that ends in .csv{ending}; rename it")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise quorate.DataError(
            f"{path}: a web page, and no table: what a server gave in place of the file? Look at it in a browser, and "
            "fetch the file again"
        )
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


def _first_lines(path: Path, skip_rows: int, text: str | None) -> list[tuple[int, str]]:
    """Return the first few lines that are not empty, with their numbers from 0."""
    found: list[tuple[int, str]] = []
    with text_of(path) if text is None else io.StringIO(text) as file:
        for number, line in enumerate(itertools.islice(file, skip_rows + MOST)):
            if "\0" in line:
                raise quorate.DataError(
                    f"{path}: not a text file in UTF-8, as it has zero bytes; if it is text in UTF-16, save it as UTF-8"
                )
            if number >= skip_rows and line.strip():
                found.append((number, line))
                if len(found) == TITLE:
                    break
    return found


def _cells(line: str, separator: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([line], delimiter=separator))]


def _fields(row: Sequence[str]) -> int:
    return len({name.lower() for name in row if _FIELD.fullmatch(name)})


def _two_rows(rows: Sequence[list[str]]) -> tuple[list[str], list[str], int] | None:
    """Return fields, symbols and how many lines they take, where one line has the fields and one the symbols.

    So pandas writes columns of two levels, as yfinance returns them; a third line may name the dates alone.
    """
    first, second = rows[0], rows[1]
    if len(first) != len(second) or len(first) < 5:
        return None
    upper, lower = _fields(first), _fields(second)
    bars = any(_NUMBER.fullmatch(cell) for row in (first, second) for cell in row[1:]) or _DATED.fullmatch(second[0])
    # LOW and OPEN are tickers, too.
    if max(upper, lower) < 4 or min(upper, lower) > 2 or bars or all(cell in MISSING for cell in second[1:]):
        return None
    names, symbols = (list(first), list(second)) if upper > lower else (list(second), list(first))
    symbols[0], used = "", 2
    names[0] = "Date"
    if len(rows) > 2 and not any(rows[2][1:]):
        names[0], used = rows[2][0] or "Date", 3
    return names, symbols, used


def _is_bar(row: Sequence[str]) -> bool:
    """Whether a line is a bar: a date, and then nothing but numbers, missing ones too."""
    if len(row) < 5 or not _DATED.fullmatch(row[0]):
        return False
    numbers = row[2:] if _CLOCK.fullmatch(row[1]) else row[1:]
    return all(_NUMBER.fullmatch(cell) or cell in MISSING for cell in numbers)


def _has_clock(rows: Sequence[list[str]]) -> bool:
    """Whether the second column is the time of day: with a colon, or all digits of one, where a date stands again."""
    seconds = [row[1] for row in rows if len(row) > 1]
    if _CLOCK.fullmatch(seconds[0]):
        return True
    again = len({row[0] for row in rows}) < len(rows)
    return all(_DIGITS.fullmatch(cell) for cell in seconds) and (again or not any(cell.strip("0") for cell in seconds))


def ragged(path: Path, head: Head) -> str:
    """Return which lines have more fields than there are columns, where there are such."""
    with text_of(path) as text:
        reader = csv.reader(text, delimiter=head.separator)
        wrong = [(reader.line_num, len(row)) for row in reader if len(row) > len(head.names)]
    wrong = [(line, fields) for line, fields in wrong if line > head.lines]
    if not wrong:
        return ""
    told = [f"line {line} has {fields}" for line, fields in wrong[: quorate.DataError.TOLD]]
    more = len(wrong) - len(told)
    return (
        f"a line must have no more fields than there are columns, {len(head.names)}: {', '.join(told)}"
        f"{f' and {more:,} more' if more else ''}"
    )
