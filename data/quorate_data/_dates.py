"""Dates as people write them, brought to ISO 8601 where only one reading is possible."""

from __future__ import annotations

import re

import pandas as pd

CENTURY = 69  # two digits from here on are of the last century, as strptime has it
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
FUTURE = pd.Timedelta(days=3)  # a clock may be wrong, and a session may be stamped with its end
ENOUGH = 5  # stamps, from which on their order tells how they are to be read

_YEAR = r"(?P<y>\d{4}|\d{2})"
_TAIL = r"(?:[ T,]+(?P<tail>\S.*))?"
_DAY = r"(?:[A-Za-z]{3,9},? )?"  # of the week
_FORMS = (
    rf"(?P<y>\d{{4}})[./](?P<m>\d{{1,2}})[./](?P<d>\d{{1,2}}){_TAIL}",
    rf"(?P<d>\d{{1,2}})\.(?P<m>\d{{1,2}})\.{_YEAR}{_TAIL}",
    rf"{_DAY}(?P<d>\d{{1,2}})[- ](?P<m>[A-Za-z]{{3,9}})\.?[-, ]+{_YEAR}{_TAIL}",
    rf"{_DAY}(?P<m>[A-Za-z]{{3,9}})\.? (?P<d>\d{{1,2}}),? {_YEAR}{_TAIL}",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})[ T]+(?P<tail>\d{1,2}:.*|\d{4}|\d{6})",
    r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})[ T]+(?P<tail>\d{1,2}[:-].*[AaPp]\.?[Mm]\.?|\d:.*|[\d:]{7,8}:\d{3})",
    r"(?P<y>\d{4})年(?P<m>\d{1,2})月(?P<d>\d{1,2})日(?: *(?P<tail>\S.*))?",
    r"(?P<m>[A-Za-z]{3,9})[- ](?P<y>\d{4})(?P<d>)(?P<tail>)",
    r"(?P<m>\d{1,2})/(?P<y>\d{4})(?P<d>)(?P<tail>)",
    r"(?P<y>\d{4})[M-](?P<m>\d{2})(?P<d>)(?P<tail>)",
)
_DIGITS = r"(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])"
# Digits alone, longer than a date's eight; as Unix time they would be of 1976 or 2609.
_LONG = (
    rf"{_DIGITS}(?P<d>0[1-9]|[12]\d|3[01])(?P<tail>(?:[01]\d|2[0-3])(?:[0-5]\d){{0,2}})",
    rf"{_DIGITS}(?P<d>0[1-9]|[12]\d|3[01])(?P<tail>(?:[01]\d|2[0-3])(?:[0-5]\d){{2}}\d{{3}})",
)
_SIX = (rf"{_DIGITS}(?P<d>)(?P<tail>)", r"(?P<y>\d{2})(?P<m>\d{2})(?P<d>\d{2})(?P<tail>)")
_PARTS = rf"(?P<a>\d{{1,2}})[/-](?P<b>\d{{1,2}})[/-]{_YEAR}{_TAIL}"
_SERIAL = r"\d{5}(?:\.\d+)?"
_SERIALS = (25569, 60000)  # of 1970 and 2064, in days since 1899-12-30, as spreadsheets count them


def iso(text: pd.Series) -> pd.Series:
    """Return stamps as ISO 8601; as they are, where they are so already or could be read in two ways.

    Parameters
    ----------
    text : Series of str
        Not empty.
    """
    for form in _FORMS:
        if (parts := _parts(text, form)) is not None:
            return _joined(text, parts)
    if all_are(text, r"\d{6}"):
        return _only(text, [_joined(text, p) for form in _SIX if (p := _parts(text, form)) is not None], ordered=False)
    if all_are(text, _SERIAL) and (serials := _serials(text)) is not None:
        return serials
    if (parts := _parts(text, _PARTS)) is None:
        return text
    short = bool((parts["y"].str.len() == 2).all())
    orders = (("y", "b", "a"), ("y", "a", "b"), *([("a", "b", "y")] if short else []))
    return _only(text, [_joined(text, parts.assign(y=parts[y], m=parts[m], d=parts[d])) for y, m, d in orders])


def ends(dates: pd.DatetimeIndex, form: str) -> pd.DatetimeIndex:
    """Return dates that were read by a format: where it names no day, the last of the month or of the year."""
    if re.search(r"%[-#]?[^YyGmbBh%#-]", form):
        return dates
    return dates + (pd.offsets.MonthEnd(0) if re.search(r"%[-#]?[mbBh]", form) else pd.offsets.YearEnd(0))


def digits(text: pd.Series) -> pd.Series | None:
    """Return stamps of ten digits and more that are a date and a time of day as ISO 8601; None, if they are not."""
    for form in _LONG:
        if (parts := _parts(text, form)) is not None:
            return _joined(text, parts)
    return None


def _only(text: pd.Series, readings: list[pd.Series], ordered: bool = True) -> pd.Series:
    """Return the one reading in which all stamps are, none has still to come, and which alone is in order."""
    latest = pd.Timestamp.now() + FUTURE
    sound = []
    for reading in readings:
        dates = pd.to_datetime(reading.str[:10], format="%Y-%m-%d", errors="coerce")
        if dates.notna().all() and (dates <= latest).all():
            sound.append((reading, dates))
    if ordered and len(sound) > 1 and len(text) >= ENOUGH:
        sound = [one for one in sound if one[1].is_monotonic_increasing or one[1].is_monotonic_decreasing]
    return sound[0][0] if len(sound) == 1 else text


def _serials(text: pd.Series) -> pd.Series | None:
    """Return the day numbers of a spreadsheet as dates, if they go on like dates."""
    days = text.astype(float)
    if len(days) < ENOUGH or not days.between(*_SERIALS).all() or days.nunique() < len(days) / 2:
        return None
    when = pd.Timestamp("1899-12-30") + pd.to_timedelta((days * 86_400).round(), unit="s")
    return pd.Series(when.dt.strftime("%Y-%m-%d %H:%M:%S"), index=text.index)


def all_are(text: pd.Series, form: str) -> bool:
    """Whether all are of a form; the first one nearly always tells."""
    return bool(re.fullmatch(form, text.iloc[0]) and text.str.fullmatch(form).all())


def _parts(text: pd.Series, form: str) -> pd.DataFrame | None:
    if not re.fullmatch(form, text.iloc[0]):
        return None
    parts = text.str.extract(f"^{form}$")
    if parts.drop(columns="tail").isna().any(axis=None):
        return None
    return parts


def _month(text: str) -> str:
    short = text[:3].lower()
    return str(MONTHS.index(short) + 1) if short in MONTHS else text


def _joined(text: pd.Series, parts: pd.DataFrame) -> pd.Series:
    """Return dates and what follows them; a month alone is its last day."""
    month = parts["m"].map(_month)
    if not month.str.isdigit().all():
        return text
    number = parts["y"].astype(int)
    short = parts["y"].str.len() <= 2
    number = number.where(~short, number + 1900 + 100 * (number < CENTURY))
    start = number.astype(str) + "-" + month.str.zfill(2) + "-"
    if (parts["d"] == "").all():
        ends = pd.to_datetime(start + "01", format="%Y-%m-%d", errors="coerce") + pd.offsets.MonthEnd(0)
        return ends.dt.strftime("%Y-%m-%d").fillna(text)
    return start + parts["d"].str.zfill(2) + parts["tail"].map(_clock).fillna("")


def _clock(tail: object) -> str:
    """Return a time of day with two digits for the hour, of a day of 24 hours, and what follows it."""
    if not isinstance(tail, str) or not tail:
        return ""
    if tail.isdigit():
        digits = tail.ljust(6, "0")
        return f" {digits[:2]}:{digits[2:4]}:{digits[4:6]}" + (f".{digits[6:]}" if digits[6:] else "")
    if millis := re.fullmatch(r"(\d{1,2}:\d{2}:\d{2}):(\d{3})", tail):
        tail = f"{millis[1]}.{millis[2]}"
    half = re.fullmatch(r"(\d{1,2})(?:[:-](\d{2}(?:[:-]\d{2}(?:\.\d+)?)?))?[ -]*([AaPp])\.?[Mm]\.?", tail)
    if half:
        minutes = (half[2] or "00").replace("-", ":")
        return f" {int(half[1]) % 12 + 12 * (half[3].upper() == 'P'):02d}:{minutes}"
    return f" {'0' if tail[1:2] == ':' else ''}{tail}"
