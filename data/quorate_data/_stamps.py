"""From the time column of a file to sessions and UTC close stamps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import quorate
from quorate_data._dates import FUTURE, all_are, digits, ends, iso
from quorate_data._tables import Table

_OFFSET = re.compile(
    r"(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|T\d{2,6}(?:[.,]\d+)?)\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$", re.IGNORECASE
)
_ZONE = re.compile(r"(?: |(?<=\d)\[)(?:[A-Z][A-Za-z_]+(?:/[A-Za-z_+\-0-9]+)+\]?|(?!(?i:utc|gmt|[ap]m)$)[A-Z]{2,5})$")
_GMT = r"\s*(?:GMT|UTC)(?=[+-]\d)|\s*\([^()]*\)$"  # "GMT-0500 (Eastern Standard Time)"
_ISO = re.compile(r"(?:1[5-9]|2\d)\d{2}\D?\d")
_UNIX = r"\d{9,19}(?:\.\d+)?"
UNITS = np.array([10**11, 10**14, 10**17])  # from which on Unix time is in milli-, micro-, nanoseconds
DATE = 10  # characters of a date without a time of day
SECOND = np.timedelta64(1, "s")


@dataclass(frozen=True)
class Stamps:
    """One file's stamps.

    Parameters
    ----------
    utc : ndarray of datetime64[us]
        The instants.
    wall : ndarray of datetime64[us]
        The same on the clock of `data.timezone`, or else of each stamp's own zone.
    local : ndarray of datetime64[D]
        The date at the exchange, or in `data.timezone`, if the stamps have a zone of their own.
    naive : bool
        The file names no zone.
    begins : bool
        The file says that stamps are the open of bars.
    """

    utc: NDArray[np.datetime64]
    wall: NDArray[np.datetime64]
    local: NDArray[np.datetime64]
    naive: bool
    begins: bool = False

    @property
    def at_midnight(self) -> bool:
        """Whether every stamp is a bare date."""
        return bool((self.wall == self.wall.astype("datetime64[D]")).all())


def check_zone(name: str) -> None:
    """Raise `DataError` if there is no time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise quorate.DataError(
            f"data.timezone: unknown time zone {name!r}: use an IANA name such as 'America/New_York' or 'UTC'"
        ) from e


def read_stamps(
    table: Table, timezone: str | None, clock: quorate.Calendar, date_format: str | None, to_come: bool = False
) -> Stamps:
    """Read the stamps of a file; those without a zone are in `timezone`, or else in the exchange's zone.

    Stamps with a zone of their own are instants, but at midnight they are dates, and the date depends on the zone:
    it is that of `timezone`, or else their own. Only with `to_come` may they lie in the future.

    Raises
    ------
    DataError
        Naming the line and the value that is missing, cannot be read, does not exist in the zone, or cannot be.
    """
    column = table.frame["time"]
    zoned, wall = _parse(table, column, date_format, timezone)
    naive = zoned is None
    where = clock.timezone
    if zoned is None:
        if timezone is None and re.search(r"(?i)(?:^|[^a-z])(?:utc|gmt)(?:$|[^a-z])", table.time_name):
            timezone = "UTC"
        bare = bool((wall == wall.normalize()).all())
        # A date needs no zone, and midnight does not exist everywhere on every day.
        zoned = wall.tz_localize("UTC") if bare else _localize(table, wall, timezone or clock.timezone)
    elif timezone is not None:
        wall, where = zoned.tz_convert(timezone).tz_localize(None), timezone
    local = zoned.tz_convert(where).tz_localize(None)
    utc = zoned.tz_convert("UTC").tz_localize(None)
    if not to_come:
        _check_future(table, utc)
    return Stamps(_plain(utc), _plain(wall), _plain(local).astype("datetime64[D]"), naive, table.begins)


def read_once(table: Table, date_format: str | None) -> pd.Series:
    """Return the stamps of a file as such, if they name no zone, so that they can stand for many symbols."""
    column = table.frame["time"]
    zoned, wall = _parse(table, column, date_format, None)
    return column if zoned is not None else pd.Series(wall, index=column.index)


def _check_future(table: Table, utc: pd.DatetimeIndex) -> None:
    late = np.asarray(utc > pd.Timestamp.now("UTC").tz_localize(None) + FUTURE)
    if late.any():
        first = int(late.argmax())
        remedy = _remedy("ISO8601") if len(late) > 1 and late.mean() > 0.5 else "correct it or leave it out"
        raise quorate.DataError(
            f"{table.at(table.frame.index[first])}: the time stamp {table.frame['time'].iloc[first]} is {utc[first]} "
            f"UTC, which has not come yet ({int(late.sum())} of {len(late)} bars): {remedy}",
            *table.wrong(late, "time", "a time stamp must not be still to come"),
        )


def _plain(index: pd.DatetimeIndex) -> NDArray[np.datetime64]:
    return index.to_numpy().astype("datetime64[us]")


def _parse(
    table: Table, column: pd.Series, date_format: str | None, timezone: str | None
) -> tuple[pd.DatetimeIndex | None, pd.DatetimeIndex]:
    """Return the instants (None where the file names no zone) and the wall clock of each stamp."""
    typed = column.dtype.kind == "M" or isinstance(column.dtype, pd.DatetimeTZDtype)
    missing = (column.isna() if typed else column.isna() | (column.astype("str") == "")).to_numpy()
    if missing.any():
        raise quorate.DataError(
            f"{table.at(column.index[int(missing.argmax())])}: there is no time stamp",
            *table.wrong(missing, "time", "there must be a time stamp"),
        )
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        instants = pd.DatetimeIndex(column)
        return instants.tz_convert("UTC"), instants.tz_localize(None)
    if column.dtype.kind == "M":
        return None, pd.DatetimeIndex(column)
    text = column.astype("str").str.strip()
    if date_format is not None:
        zoned, wall = _parse_text(table, text, date_format)
        return zoned, wall if zoned is not None else ends(wall, date_format)
    if column.dtype.kind == "f":
        text = text.str.removesuffix(".0")
    if all_are(text, r"(?:19|20)\d{6}"):
        return _parse_text(table, text, "%Y%m%d")
    if all_are(text, _UNIX):
        if (dates := digits(text)) is not None:
            return _parse_text(table, dates, "ISO8601")
        instants = _unix(text)
        _check_steps(table, instants)
        return instants, instants.tz_localize(None)
    text = text.str.replace(_GMT, "", regex=True) if re.search(_GMT, text.iloc[0]) else text
    if zone := _ZONE.search(text.iloc[0]):
        return _parse_named(table, text, zone[0].strip(" []"), timezone)
    return _parse_text(table, iso(text), "ISO8601")


def _parse_named(
    table: Table, text: pd.Series, zone: str, timezone: str | None
) -> tuple[pd.DatetimeIndex | None, pd.DatetimeIndex]:
    """Read stamps that name their zone by a word."""
    bare = text.str.replace(_ZONE, "", regex=True)
    instants, wall = _parse_text(table, iso(bare), "ISO8601")
    if instants is not None:  # they have an offset, too
        return instants, wall
    if "/" not in zone:
        if timezone is None and not (wall == wall.normalize()).all():
            raise quorate.DataError(
                f"{table.at(text.index[0])}: the zone of the time stamp {text.iloc[0]!r} is one of several of these "
                'letters; say which one with data.timezone, e.g. "America/New_York"'
            )
        return None, wall
    check_zone(zone)
    if not text.str.endswith(text.iloc[0][-len(zone) - 1 :]).all():
        raise quorate.DataError(
            f"{table.path}: not all time stamps name the zone {zone!r}, as the first one does; give them a UTC offset"
        )
    instants = _localize(table, wall, zone)
    return instants.tz_convert("UTC"), wall


def _check_steps(table: Table, instants: pd.DatetimeIndex) -> None:
    """Refuse Unix time by which bars would follow each other within a second: it is something else."""
    steps = np.diff(np.unique(instants.to_numpy()))
    if len(steps) and np.median(steps) < SECOND:
        raise quorate.DataError(
            f"{table.at(table.frame.index[0])}: read as Unix time, the time stamp {table.frame['time'].iloc[0]} is "
            f"{instants[0]:%Y-%m-%d %H:%M:%S}, and the bars are less than a second apart; {_remedy('ISO8601')}"
        )


def _unix(text: pd.Series) -> pd.DatetimeIndex:
    """Return Unix time, each value in the unit that its size tells: vendors change it within a file."""
    whole = text.str.split(".").str[0].astype("int64").to_numpy()
    per = np.array([1, 10**3, 10**6, 10**9])[np.searchsorted(UNITS, whole, side="right")]
    micro = whole // per * 10**6 + whole % per * 10**6 // per
    return pd.DatetimeIndex(micro.astype("datetime64[us]")).tz_localize("UTC")


def _parse_text(table: Table, text: pd.Series, form: str) -> tuple[pd.DatetimeIndex | None, pd.DatetimeIndex]:
    dates = bool((text.str.len() <= DATE).all())
    offsets = pd.Series(np.nan, index=text.index) if dates else text.str.extract(_OFFSET)[1]
    zoned = offsets.notna().to_numpy()
    if zoned.any() and not zoned.all():
        odd = int((~zoned).argmax())
        raise quorate.DataError(
            f"{table.at(text.index[odd])}: the time stamp {text.iloc[odd]!r} has no UTC offset, "
            "others in the file have one",
            *table.wrong(~zoned, "time", "a time stamp must have a UTC offset, as others in the file"),
        )
    utc = bool(zoned.any()) or "%z" in form
    try:
        index = pd.to_datetime(pd.Index(text.tolist()), format=form, utc=utc, errors="coerce")
    except ValueError as e:
        raise quorate.DataError(f"data.date_format = {form!r} is not a format of time stamps: {e}") from e
    bad = np.asarray(index.isna())
    if form == "ISO8601":
        # Words such as "now" and years before Christ pass for ISO 8601, too.
        bad |= ~text.str.match(_ISO).to_numpy(dtype=bool)
    if bad.any():
        first = int(bad.argmax())
        few = bad.mean() < 0.5
        like = "be written as the others" if few else f"be one that can be read: {_remedy(form)}"
        raise quorate.DataError(
            f"{table.at(text.index[first])}: the time stamp {table.frame['time'].iloc[first]!r} cannot be read "
            f"({int(bad.sum())} of {len(bad)}); {'correct it, or ' if few else ''}{_remedy(form)}",
            *table.wrong(bad, "time", f"a time stamp must {like}"),
        )
    if index.tz is None:
        return None, index
    if not zoned.all():
        return index, index.tz_localize(None)
    return index, index.tz_localize(None) + pd.TimedeltaIndex(offsets.map(_offset).to_numpy())


def _remedy(form: str) -> str:
    if form == "ISO8601":
        return 'say how it is written, e.g. data.date_format = "%d/%m/%Y" or "%m/%d/%Y"'
    if form == "%Y%m%d":
        return "a date of eight digits must be YYYYMMDD"
    return f"it must follow data.date_format = {form!r}"


def _offset(text: str) -> pd.Timedelta:
    if text[0] not in "+-":
        return pd.Timedelta(0)
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return pd.Timedelta(minutes=-minutes if text[0] == "-" else minutes)


def _localize(table: Table, wall: pd.DatetimeIndex, timezone: str) -> pd.DatetimeIndex:
    zoned = wall.tz_localize(timezone, ambiguous="NaT", nonexistent="NaT")
    bad = np.asarray(zoned.isna())
    if not bad.any():
        return zoned
    first = int(bad.argmax())
    twice = not wall[first : first + 1].tz_localize(timezone, ambiguous="NaT", nonexistent="shift_forward").notna()[0]
    if twice:
        try:  # where the hour stands twice, one after the other, the order tells which is which
            return _in_order(table, wall, timezone)
        except ValueError:
            pass
    raise quorate.DataError(
        f"{table.at(table.frame.index[first])}: the time stamp {wall[first]} "
        f"{'happens twice' if twice else 'does not exist'} in {timezone}, where the clocks change then; "
        "give stamps with a UTC offset, or set data.timezone to the zone that they are really in",
        *table.wrong(bad, "time", f"a time stamp must be one in {timezone}, or have a UTC offset"),
    )


def _in_order(table: Table, wall: pd.DatetimeIndex, timezone: str) -> pd.DatetimeIndex:
    """Return the instants of stamps whose order tells the hour that stands twice: symbol by symbol, either way."""
    utc = np.empty(len(wall), dtype="datetime64[us]")
    symbols = table.frame["symbol"] if "symbol" in table.frame else pd.Series("", index=table.frame.index)
    for rows in symbols.reset_index(drop=True).groupby(symbols.to_numpy()).indices.values():
        back = -1 if wall[rows[0]] > wall[rows[-1]] else 1
        zoned = wall[rows[::back]].tz_localize(timezone, ambiguous="infer", nonexistent="raise")
        utc[rows[::back]] = _plain(zoned.tz_convert("UTC").tz_localize(None))
    return pd.DatetimeIndex(utc).tz_localize("UTC").tz_convert(timezone)
