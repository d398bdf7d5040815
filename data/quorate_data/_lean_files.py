"""Files of LEAN that tell of companies: what they were called, and what they split and paid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

import quorate

EVER = dt.date(1900, 1, 1)
NEVER = dt.date(2050, 12, 31)  # the last day in files of what goes on


@dataclass(frozen=True)
class Span:
    """Days on which a company had a ticker.

    Parameters
    ----------
    ticker : str
        In small letters, as files are called.
    first, last : date
        Both are among them.
    """

    ticker: str
    first: dt.date
    last: dt.date


def spans_of(market: Path, ticker: str) -> list[Span]:
    """Return what a company was called when, as its map file tells; its ticker always, where there is none.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    file = market / "map_files" / f"{ticker}.csv"
    if not file.is_file():
        return [Span(ticker, EVER, NEVER)]
    rows = [(_date(file, number, row[0]), row[1].lower()) for number, row in _rows(file, 2)]
    first, spans = rows[0][0], []
    for last, name in rows[1:] or rows:
        spans.append(Span(name, first, last))
        first = last + dt.timedelta(days=1)
    return spans


def renamed(market: Path) -> dict[str, str]:
    """Return what companies are called now, by the tickers that they had before and that no other has a file of."""
    found = {}
    for file in sorted((market / "map_files").glob("*.csv")):
        for span in spans_of(market, file.stem):
            if span.ticker != file.stem and not (market / "map_files" / f"{span.ticker}.csv").is_file():
                found[span.ticker] = file.stem
    return found


def actions_of(market: Path, ticker: str, days: pd.DatetimeIndex) -> list[tuple[pd.Timestamp, str, float]]:
    """Return the splits and dividends of a company: day, kind, and new shares per old or cash per share.

    A factor file has a line for the last day before each, and the factors of all days up to it: of dividends, and of
    splits. The close of that day, its last column, tells the cash.

    Parameters
    ----------
    days : DatetimeIndex
        Those that have bars: an action is of the first after the line's.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    file = market / "factor_files" / f"{ticker}.csv"
    if not file.is_file():
        return []
    rows = [(_date(file, n, row[0]), [_number(file, n, cell) for cell in row[1:4]]) for n, row in _rows(file, 3)]
    found = []
    for (day, (price, split, *close)), (_, (next_price, next_split, *_)) in pairwise(rows):
        place = int(days.searchsorted(pd.Timestamp(day), side="right"))
        if place == 0 or place == len(days):
            continue
        if split != next_split:
            found.append((days[place], "split", round(next_split / split, 6)))
        if price != next_price:
            if not close or close[0] <= 0:
                raise quorate.DataError(f"{file}: the line of {day} tells of a dividend, but has no close")
            found.append((days[place], "dividend", close[0] * (1 - price / next_price)))
    return found


def _rows(file: Path, least: int) -> list[tuple[int, list[str]]]:
    """Return the lines of a file with their numbers, oldest first."""
    rows = [
        (number, [cell.strip() for cell in line.split(",")])
        for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1)
        if line.strip()
    ]
    for number, row in rows:
        if len(row) < least:
            raise quorate.DataError(f"{file}, line {number}: there must be {least} fields or more; it was {row!r}")
    if not rows:
        raise quorate.DataError(f"{file}: the file is empty")
    return sorted(rows, key=lambda row: row[1][0])


def _date(file: Path, number: int, text: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y%m%d").date()
    except ValueError as e:
        raise quorate.DataError(f"{file}, line {number}: a date must be YYYYMMDD; it was {text!r}") from e


def _number(file: Path, number: int, text: str) -> float:
    try:
        return float(text)
    except ValueError as e:
        raise quorate.DataError(f"{file}, line {number}: a factor must be a number; it was {text!r}") from e
