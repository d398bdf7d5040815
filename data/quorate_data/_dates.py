"""Dates as people write them, brought to ISO 8601 where only one reading is possible."""

from __future__ import annotations

import pandas as pd

CENTURY = 69  # two digits from here on are of the last century, as strptime has it
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_YEAR = r"(?P<y>\d{4}|\d{2})"
_TAIL = r"(?:[ T,]+(?P<tail>\S.*))?"
_FORMS = (
    rf"(?P<y>\d{{4}})[./](?P<m>\d{{1,2}})[./](?P<d>\d{{1,2}}){_TAIL}",
    rf"(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.{_YEAR}{_TAIL}",
    rf"(?P<d>\d{{1,2}})[- ](?P<m>[A-Za-z]{{3,9}})\.?[-, ]+{_YEAR}{_TAIL}",
    rf"(?P<m>[A-Za-z]{{3,9}})\.? (?P<d>\d{{1,2}}),? {_YEAR}{_TAIL}",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[ T]+(?P<tail>\d{1,2}:.*|\d{6})",
    r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})[ T]+(?P<tail>\d{1,2}[:-].*[AaPp]\.?[Mm]\.?|\d:.*)",
)
# Which of the two is the month is told by whichever exceeds twelve.
_SLASHES = rf"(?P<a>\d{{1,2}})[/-](?P<b>\d{{1,2}})[/-]{_YEAR}{_TAIL}"


def iso(text: pd.Series) -> pd.Series:
    """Return stamps as ISO 8601; as they are, where they are so already or could be read in two ways.

    Parameters
    ----------
    text : Series of str
        Not empty.
    """
    for form in _FORMS:
        if (parts := _parts(text, form)) is not None:
            return _joined(text, parts["y"], parts["m"].map(_month), parts["d"], parts["tail"])
    parts = _parts(text, _SLASHES)
    if parts is None:
        return text
    first, second = parts["a"].astype(int), parts["b"].astype(int)
    if (first > 12).any() == (second > 12).any():
        return text
    month, day = ("b", "a") if (first > 12).any() else ("a", "b")
    return _joined(text, parts["y"], parts[month], parts[day], parts["tail"])


def _parts(text: pd.Series, form: str) -> pd.DataFrame | None:
    if not text.iloc[:1].str.fullmatch(form).all():
        return None
    parts = text.str.extract(f"^{form}$")
    if parts.drop(columns="tail").isna().any(axis=None):
        return None
    return parts


def _month(text: str) -> str:
    short = text[:3].lower()
    return str(MONTHS.index(short) + 1) if short in MONTHS else text


def _joined(text: pd.Series, year: pd.Series, month: pd.Series, day: pd.Series, tail: pd.Series) -> pd.Series:
    if not month.str.isdigit().all():
        return text
    number = year.astype(int)
    short = year.str.len() == 2
    number = number.where(~short, number + 1900 + 100 * (number < CENTURY))
    date = number.astype(str) + "-" + month.str.zfill(2) + "-" + day.str.zfill(2)
    return date + tail.map(_clock).fillna("")


def _clock(tail: object) -> str:
    """Return a time of day with two digits for the hour, of a day of 24 hours, and what follows it."""
    if not isinstance(tail, str):
        return ""
    if tail.isdigit():
        return f" {tail[:2]}:{tail[2:4]}:{tail[4:]}"
    clock, _, rest = tail.replace("-", " ").partition(" ") if tail[-1] in "mM." else tail.partition(" ")
    half = rest.replace(".", "").upper() or clock[-2:].upper()
    if half in ("AM", "PM"):
        clock = clock[:-2] if not rest else clock
        hour, _, minutes = clock.partition(":")
        return f" {int(hour) % 12 + 12 * (half == 'PM'):02d}:{minutes or '00'}"
    return f" {clock.zfill(len(clock) + 1) if clock[1:2] == ':' else clock}{' ' + rest if rest else ''}"
