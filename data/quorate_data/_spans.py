"""Quarters, months, weeks and years as people write them: the last day of each."""

from __future__ import annotations

import calendar
import datetime as dt
import re

import pandas as pd

import quorate
from quorate_data._tables import Table

_YEAR, _BETWEEN = r"(?P<year>(?:1[89]|2[01])\d{2})", r"[-/ :._]?"
_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        _YEAR,
        rf"{_YEAR}{_BETWEEN}Q(?P<quarter>\d{{1,2}})",
        rf"Q(?P<quarter>\d{{1,2}}){_BETWEEN}{_YEAR}",
        rf"(?P<quarter>\d{{1,2}})Q{_BETWEEN}{_YEAR}",
        rf"{_YEAR}{_BETWEEN}M(?P<month>\d{{1,2}})",
        rf"{_YEAR}[-/ ._](?P<month>\d{{1,2}})",
        rf"{_YEAR}{_BETWEEN}W(?P<week>\d{{1,2}})",
    )
]
SHARE = 0.5  # of a column, from which on it is one of spans, and what is none is an error


def last_days(table: Table, column: pd.Series) -> pd.DatetimeIndex | None:
    """Return the last day of each span of a column; None, if it is no column of spans.

    They may be of several kinds: quarters (``2019Q1``, ``2019-Q1``, ``Q1 2019``, ``1Q2019``), months (``2019-01``,
    ``2019M01``), weeks of ISO 8601 (``2019-W05``) and years (``2019``).

    Raises
    ------
    DataError
        Naming the row and the span that there is none of.
    """
    if column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype) or not len(column):
        return None
    text = column.astype("str").str.strip()
    if column.dtype.kind == "f":
        text = text.str.removesuffix(".0")
    found = {one: _parts(one) for one in text.unique()}
    if text.map(lambda one: found[one] is not None).mean() <= SHARE:
        return None
    days = {one: _last_day(**parts) for one, parts in found.items() if parts is not None}
    wrong = text.map(lambda one: days.get(one) is None).to_numpy(dtype=bool)
    if wrong.any():
        rule = "a quarter 1 to 4, 2019Q1, a month, 2019-01, a week that its year has, 2019-W05, or a year, 2019"
        first = int(wrong.argmax())
        raise quorate.DataError(
            f"{table.at(text.index[first])}: the span {text.iloc[first]!r} cannot be read ({int(wrong.sum())} of "
            f"{len(wrong)}); it must be {rule}",
            *table.wrong(wrong, "time", f"it must be {rule}"),
        )
    return pd.DatetimeIndex(text.map(days).to_numpy(dtype="datetime64[us]"))


def _parts(text: str) -> dict[str, int] | None:
    """Return the numbers in a span by what each is; None, if it is written as none."""
    for form in _FORMS:
        if parts := form.fullmatch(text):
            return {name: int(number) for name, number in parts.groupdict().items()}
    return None


def _last_day(
    year: int, quarter: int | None = None, month: int | None = None, week: int | None = None
) -> dt.date | None:
    if week is not None:
        try:
            return dt.date.fromisocalendar(year, week, 7)
        except ValueError:
            return None
    month = 12 if quarter is None and month is None else 3 * quarter if quarter is not None else month
    if month is None or not 1 <= month <= 12:
        return None
    return dt.date(year, month, calendar.monthrange(year, month)[1])
