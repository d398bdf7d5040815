"""Stamps whose date and time of day have a column each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import quorate
from quorate_data._columns import Part
from quorate_data._text import listed

_CLOCK = r"\d{1,2}[:h]\d{2}.*|\d{1,2} ?[AaPp]\.?[Mm]\.?"
_DATE = (
    r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}(?:[ T]00:00(?::00(?:\.0+)?)?)?|(?:19|20)\d{6}|\d{6}"
    r"|\d{1,2}[-. ][A-Za-z]{3,9}\.?[-, ]+\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
)


def join_times(path: Path, raw: pd.DataFrame, part: Part, header: list[str]) -> tuple[pd.Series, list[int]]:
    """Return the stamps of a file, and where they stand: in one column, or in one of dates and one of times of day.

    Raises
    ------
    DataError
        If names and values leave several columns.
    """
    if len(part.times) == 1 and not part.beside_times:
        return raw[part.times[0]], part.times
    every = {i: raw[i].astype("str").str.strip() for i in (*part.times, *part.beside_times)}
    clocks = {i: clock for i, text in every.items() if (clock := _clock(text[raw[i].notna()])) is not None}
    dates = [
        i for i, text in every.items() if i not in clocks and text[raw[i].notna()].iloc[:1].str.fullmatch(_DATE).all()
    ]
    if clocks and dates and (len(part.times) == 1 or not {*part.times} - {*clocks, *dates}):
        date, clock = dates[0], next(iter(clocks))
        return (
            every[date].where(raw[date].notna(), "") + " " + clocks[clock].reindex(raw.index).fillna("")
        ).str.strip(), [date, clock]
    left = [i for i in part.times if i not in clocks]
    if len(part.times) == 1 and (left or not dates):
        return raw[part.times[0]], part.times
    names = [header[i] for i in (*part.times, *part.beside_times)]
    raise quorate.DataError(
        f"{path}: the columns {listed(names)} could all be 'time'; "
        f'say which one is with data.columns = {{ time = "{names[0]}" }}'
    )


def _clock(text: pd.Series) -> pd.Series | None:
    """Return times of day as ``hh:mm:ss``; None, if the column holds something else."""
    text = text[text != ""]
    if text.empty:
        return None
    if text.iloc[:1].str.fullmatch(_CLOCK).all():
        return text
    if not text.str.fullmatch(r"\d{1,9}").all():
        return None
    most = int(text.str.len().max())
    # A number that stands on every bar is no time of day, unless it is midnight.
    if most in (1, 2, 3, 5, 8) and text.nunique() == 1 and text.iloc[0].strip("0"):
        return None
    width = 2 if most <= 2 else 4 if most <= 4 else 6 if most <= 6 else 9
    digits = text.str.zfill(width).str.ljust(9, "0")
    parts = [digits.str[start:stop] for start, stop in ((0, 2), (2, 4), (4, 6), (6, 9))]
    if any((part.astype(int) > most).any() for part, most in zip(parts, (24, 59, 60), strict=False)):
        return None
    return parts[0] + ":" + parts[1] + ":" + parts[2] + ("." + parts[3] if width == 9 else "")
